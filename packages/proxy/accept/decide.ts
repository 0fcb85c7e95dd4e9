import { type Detected, detectHttp } from '#wire/http1';
import { type ClientHello, parseClientHello } from '#wire/tls-hello';

export type TlsGuess = { kind: 'tls'; hello: ClientHello } | { kind: 'plain' };

/** A ClientHello, or certainly none; undefined: more bytes are needed. */
export function decideTls(bytes: Buffer): TlsGuess | undefined {
  const result = parseClientHello(bytes, bytes.length);
  if (result.kind === 'more') return undefined;
  return result.kind === 'hello' ? { kind: 'tls', hello: result.hello } : { kind: 'plain' };
}

export type HttpGuess = Detected;

/** HTTP/1, HTTP/2 or neither; undefined: more bytes are needed. */
export function decideHttp(bytes: Buffer): HttpGuess | undefined {
  return detectHttp(bytes, 0, bytes.length);
}
