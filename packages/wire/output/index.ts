/** Bytes on their way out: what encoders write to, gathered into few writes. */
export { copyBytes } from './copy.ts';
export { type ByteSink, Output } from './output.ts';
