/** Longest request body; log filters and the like are short. */
export const BODY_BYTES_MAX = 64 * 1024;

export interface AdminRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The caller is on this machine's loopback. */
  readonly local: boolean;
}

export interface AdminResponse {
  readonly status: number;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}
