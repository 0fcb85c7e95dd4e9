/** What the origin tells about one of its ports since it was last asked. */
export interface PortRecord {
  /** Everything that was received, in order, Latin-1; at most {@link RECORD_BYTES_MAX}. */
  bytes: string;
  /** Requests of which anything was seen, with what is known of their paths. */
  begun: { path: string }[];
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

/** Whether a path is that of another case, whose request came late. */
export function isForeign(path: string, id: string): boolean {
  const found = /\/c\/([a-z0-9-]+)/.exec(path)?.[1];
  return found !== undefined && found !== id;
}

/** What in a record is of one case. */
export const ofCase = (record: PortRecord, id: string): PortRecord => ({
  ...record,
  begun: record.begun.filter(({ path }) => !isForeign(path, id)),
  requests: record.requests.filter(({ path }) => !isForeign(path, id)),
});

export const RECORD_BYTES_MAX = 256 * 1024;

export const emptyRecord = (): PortRecord => ({ bytes: '', begun: [], requests: [], broken: 0, garbage: 0 });
