/** Opening connections: plain or mesh TLS, with a transport header if the peer takes one, within one deadline. */
export { type DialDeps, type DialSink, type DialTarget, dial } from './dial.ts';
