import { FIELD, type Field, type RequestHead, type ResponseHead } from '../fields/index.ts';
import { entrySize, type HpackSink, MALFORMED } from '../hpack/index.ts';
import { HTTP2_LIMITS as LIMITS } from './limits.ts';

/** What a header block is read for; `none`: only for the state of the decoder. */
export type HeadKind = 'request' | 'response' | 'trailers' | 'none';

const FIRST_PSEUDO = FIELD[':method'];
const LAST_PSEUDO = FIELD[':protocol'];
/** Names up to this one frame, route or describe a connection: they mean nothing in trailers. */
const LAST_FRAMING = FIELD['http2-settings'];

/**
 * Takes the fields of one header block and holds them against RFC 9113 section 8. One reader serves a connection; the lists of
 * fields it gives out are new ones.
 */
export class HeadReader implements HpackSink {
  readonly #listSizeMax: number;
  #kind: HeadKind = 'none';
  #fields: Field[] = [];
  #size = 0;
  #count = 0;
  #method = '';
  #scheme: string | undefined;
  #authority: string | undefined;
  #path: string | undefined;
  #status = '';
  #host: string | undefined;
  #contentLength = -1;
  #regularSeen = false;
  /** Why the block is malformed; '' if it is in order. */
  malformed = '';
  /** The list of fields is larger than allowed; it was not collected to its end. */
  oversized = false;

  constructor(listSizeMax: number) {
    this.#listSizeMax = listSizeMax;
  }

  begin(kind: HeadKind): void {
    this.#kind = kind;
    this.#fields = [];
    this.#size = 0;
    this.#count = 0;
    this.#method = '';
    this.#scheme = undefined;
    this.#authority = undefined;
    this.#path = undefined;
    this.#status = '';
    this.#host = undefined;
    this.#contentLength = -1;
    this.#regularSeen = false;
    this.malformed = '';
    this.oversized = false;
  }

  field(field: Field): void {
    if (this.#kind === 'none' || this.oversized) return;
    this.#size += entrySize(field);
    if (this.#size > this.#listSizeMax || ++this.#count > LIMITS.fieldCountMax) {
      this.oversized = true;
      this.#fields = [];
      return;
    }
    const { id } = field;
    if (id >= FIRST_PSEUDO && id <= LAST_PSEUDO) this.#pseudo(field);
    else if (id === MALFORMED) this.malformed = `field ${JSON.stringify(field.name)} is malformed or not allowed`;
    else this.#regular(field);
  }

  #regular(field: Field): void {
    this.#regularSeen = true;
    const { id, value } = field;
    if (this.#kind === 'trailers') {
      if (id === 0 || id > LAST_FRAMING) this.#fields.push(field);
      return;
    }
    if (id === FIELD.host && this.#kind === 'request') {
      if (this.#host !== undefined) this.malformed = 'more than one host';
      this.#host = value;
      return;
    }
    if (id === FIELD['content-length']) {
      if (this.#contentLength >= 0) this.malformed = 'more than one content-length';
      this.#contentLength = Number(value);
    }
    this.#fields.push(field);
  }

  /** RFC 9113 section 8.3: each once, before all other fields, never in trailers, and those of the message's own kind. */
  #pseudo(field: Field): void {
    const { name, value } = field;
    if (this.#regularSeen) this.malformed = `${name} behind other fields`;
    let before: string | undefined = name;
    if (this.#kind === 'request') {
      if (name === ':method') {
        before = this.#method === '' ? undefined : name;
        this.#method = value;
      } else if (name === ':path') {
        before = this.#path;
        this.#path = value;
      } else if (name === ':scheme') {
        before = this.#scheme;
        this.#scheme = value;
      } else if (name === ':authority') {
        before = this.#authority;
        this.#authority = value;
      }
    } else if (this.#kind === 'response' && name === ':status') {
      before = this.#status === '' ? undefined : name;
      this.#status = value;
    }
    if (before !== undefined) this.malformed = `${name} twice or where it may not be`;
  }

  /** The request, or undefined with `malformed` set. */
  request(): RequestHead | undefined {
    const method = this.#method;
    const authority = this.#authority !== undefined && this.#authority !== '' ? this.#authority : (this.#host ?? '');
    const fault = this.malformed === '' ? this.#requestFault(method, authority) : '';
    if (fault !== '') this.malformed = fault;
    if (this.malformed !== '') return undefined;
    return {
      version: 20,
      method,
      scheme: this.#scheme ?? '',
      authority,
      path: this.#path ?? '',
      absoluteForm: false,
      upgrade: '',
      fields: this.#fields,
      contentLength: this.#contentLength,
    };
  }

  /** RFC 9113 sections 8.3.1 and 8.5. */
  #requestFault(method: string, authority: string): string {
    if (method === '') return 'no :method';
    const host = this.#host;
    if (host !== undefined && host !== authority && placeOf(host, this.#scheme) !== placeOf(authority, this.#scheme))
      return ':authority and host differ';
    if (method === 'CONNECT') {
      if (this.#scheme !== undefined || this.#path !== undefined) return 'CONNECT with :scheme or :path';
      if (this.#contentLength > 0) return 'CONNECT with a length';
      return /:\d+$/.test(authority) ? '' : 'CONNECT without host and port';
    }
    if (this.#scheme === undefined || this.#path === undefined) return 'no :scheme or no :path';
    return this.#path === '*' && method !== 'OPTIONS' ? ':path * of another method than OPTIONS' : '';
  }

  /** The response, or undefined with `malformed` set. Switching protocols does not exist in HTTP/2 (RFC 9113 section 8.6). */
  response(): ResponseHead | undefined {
    const status = Number(this.#status);
    if (this.malformed === '' && (this.#status === '' || status === 101)) this.malformed = 'no :status, or 101';
    if (this.malformed !== '') return undefined;
    return { version: 20, status, upgrade: '', fields: this.#fields, contentLength: this.#contentLength };
  }

  /** The trailers, or undefined with `malformed` set. */
  trailers(): Field[] | undefined {
    return this.malformed === '' ? this.#fields : undefined;
  }
}

const OWN_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/**
 * What an authority identifies: letter case says nothing, nor does the scheme's own port (RFC 3986 section 6.2.3). Linkerd's gateways
 * send `:authority: web.test:80` with `host: web.test`.
 */
function placeOf(authority: string, scheme: string | undefined): string {
  const port = OWN_PORTS[scheme ?? ''];
  const text = authority.toLowerCase();
  return port !== undefined && text.endsWith(port) ? text.slice(0, -port.length) : text;
}
