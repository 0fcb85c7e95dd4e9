/** What an access log can tell of one request; texts are made when they are asked for. */
export interface AccessEntry {
  readonly method: string;
  /** As the client sent it: absolute where it said so or speaks HTTP/2. */
  readonly uri: string;
  /** Path and query. */
  readonly path: string;
  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0`. */
  readonly version: string;
  readonly authority: string;
  readonly clientIp: string;
  /** With port. */
  readonly clientAddr: string;
  /** Original destination, with port. */
  readonly localAddr: string;
  /** Identity in the client's certificate; undefined: none. */
  readonly clientId: string | undefined;
  /** When the request began, milliseconds since 1970. */
  readonly startWallMs: number;
  /** From the request's head to the response's. */
  readonly totalMs: number;
  /** The part of it before the request went to the application. */
  readonly processingMs: number;
  readonly status: number;
  /** -1: not told in the response's head. */
  readonly grpcStatus: number;
  /** Why the proxy itself answered; undefined: the application did. */
  readonly fault: string | undefined;
  /** First value; undefined: no such field. */
  requestField(name: string): string | undefined;
  responseField(name: string): string | undefined;
}

/** Makes the line of an entry, with its line feed. */
export type AccessLogFormat = (entry: AccessEntry) => string;
