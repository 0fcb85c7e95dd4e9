/**
 * One header field of a message, whatever version of HTTP carries it. Immutable and often shared: decoders give the same object
 * for the same bytes again, so that encoders can remember by identity what they did with it.
 */
export class Field {
  /** Id in the decoder's table of names, 0 for a name that is not in it. */
  readonly id: number;
  /** Lower case. */
  readonly name: string;
  /** Octets as Latin-1 text, without surrounding white space. */
  readonly value: string;
  /** RFC 7541 section 6.2.3: must not enter any compression table, here or further on. */
  readonly neverIndexed: boolean;

  constructor(id: number, name: string, value: string, neverIndexed = false) {
    this.id = id;
    this.name = name;
    this.value = value;
    this.neverIndexed = neverIndexed;
  }
}

/** HTTP version times ten. */
export type HttpVersion = 10 | 11 | 20;

/**
 * The head of a request, whatever version carries it. Fields that concern one connection (RFC 9110 section 7.6.1) and those
 * that frame or address the message (`host`, `transfer-encoding`, pseudo-header fields) are not among `fields`;
 * `content-length` is, `te` is when its value is `trailers`.
 */
export interface RequestHead {
  readonly version: HttpVersion;
  method: string;
  /** `http`, `https`; '' when the message does not say. */
  scheme: string;
  /** `:authority`, the authority of an absolute form, or `Host`, in that order; '' when there is none. */
  authority: string;
  /** Path and query as sent; `*` of OPTIONS; '' of CONNECT. */
  path: string;
  /** The request line had the absolute form (HTTP/1). */
  absoluteForm: boolean;
  /** The protocol that the client wants to switch to (`Upgrade` of HTTP/1.1, as sent), else ''. */
  upgrade: string;
  fields: Field[];
  /** From `content-length`; -1: not told. */
  contentLength: number;
}

/** The head of a response; `fields` as in {@link RequestHead}. */
export interface ResponseHead {
  readonly version: HttpVersion;
  /** 100 to 999; below 200 but 101 the final response is still to come. */
  status: number;
  /** With status 101: the protocol that follows, else ''. */
  upgrade: string;
  fields: Field[];
  /** From `content-length`; -1: not told. */
  contentLength: number;
}
