/** Bytes on their way out: what encoders write to, gathered into few writes. */
export { type ByteSink, Output } from './output.ts';
