/** The few calls of the C library that Bun's node: modules do not offer: socket options by file descriptor, memory of code. */
export { releaseCodePages } from './code-pages.ts';
export { getSocketOption, setBacklog, setSocketOptionInt } from './sockopt.ts';
