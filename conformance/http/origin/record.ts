/** What the origin tells about one of its ports since it was last asked. */
export interface PortRecord {
  /** Everything that was received, in order, Latin-1; at most {@link RECORD_BYTES_MAX}. */
  bytes: string;
  /** Requests of which anything was seen. */
  begun: number;
  /** Complete requests. */
  requests: SeenRequest[];
  /** Connections that ended in the middle of a request, or streams that were reset there. */
  broken: number;
  /** Bytes that no reading, however lenient, makes a request of. */
  garbage: number;
}

export interface SeenRequest {
  version: 'http1' | 'http2';
  /** Request line and field lines as received; of HTTP/2 `name: value` lines, pseudo-header fields included. */
  head: string;
  method: string;
  path: string;
  /** Without framing. At most {@link RECORD_BYTES_MAX}. */
  body: string;
  /** Field lines behind the body. */
  trailers: string;
}

export const RECORD_BYTES_MAX = 256 * 1024;

export const emptyRecord = (): PortRecord => ({ bytes: '', begun: 0, requests: [], broken: 0, garbage: 0 });
