/** The few calls of the C library that Bun's node: modules do not offer: socket options by file descriptor. */
export { getSocketOption, setSocketOptionInt } from './sockopt.ts';
