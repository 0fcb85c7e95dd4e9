/** Leveled logging with targets and fields, filtered like Rust's tracing (`warn,linkerd=info`), in plain text or JSON lines. */
export { type Filter, parseFilter } from './filter.ts';
export { FakeLog } from './log.fake.ts';
export { createLog, type Fields, type Level, type Log, type LogSink } from './log.ts';
export { LineWriter, type LineWriterOptions } from './writer.ts';
