/** The lines of the access log: two formats of Linkerd, and format strings with a table of operators. Pure. */
export type { AccessEntry, AccessLogFormat } from './entry.ts';
export { parseAccessLogFormat } from './formats.ts';
export { OPERATORS, type OperatorRow } from './operators.ts';
