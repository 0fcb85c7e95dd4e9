import {
  COLON,
  COMMA,
  CR,
  FIELD,
  HEX,
  HTAB,
  isAuthority,
  LF,
  LOWER,
  latin1,
  type NameTable,
  SP,
  TARGET,
  TOKEN,
  VALUE,
} from '../fields/index.ts';
import type { Http1FaultCode } from './faults.ts';
import { FIELD_SLOTS, KnownFields } from './known.ts';
import { LIMITS } from './limits.ts';
import { readTarget, type TargetForm } from './target.ts';

/** How the end of a message's body is found. */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close';

/**
 * One parsed head, as offsets into the bytes it came in. Owned and reused by its decoder: valid only during the sink call.
 * For a trailer section only the fields are set.
 */
export class Http1Head {
  buf: Uint8Array = new Uint8Array(0);
  /** First byte of the start line, and the byte after the final empty line. */
  start = 0;
  end = 0;
  /** First byte of the first field line, and the first byte of the final CRLF. */
  fieldsStart = 0;
  fieldsEnd = 0;
  /** Request only: method and target. */
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  form: TargetForm = 'origin';
  /** Authority and path with query inside the target; empty where its form has none. */
  authorityStart = 0;
  authorityEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  /** Response only. */
  status = 0;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor: 0 | 1 = 1;
  framing: Framing = 'none';
  /** Bytes of a body framed by length. */
  contentLength = 0;
  /** The sender will send (request) or keep (response) more on this connection. */
  keepAlive = true;
  /** `connection: upgrade` together with `upgrade`, or the method CONNECT. */
  upgrade = false;
  expectContinue = false;
  /** Some `connection` field names other fields, which are then hop-by-hop too. */
  connectionListsFields = false;
  fieldCount = 0;
  /** Per field: id, name start, name end, value start, value end. A line reaches from its name to the next name. */
  #fields = new Int32Array(FIELD_SLOTS * 24);

  fieldId(index: number): number {
    return this.#fields[index * FIELD_SLOTS]!;
  }
  nameStart(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 1]!;
  }
  nameEnd(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 2]!;
  }
  valueStart(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 3]!;
  }
  valueEnd(index: number): number {
    return this.#fields[index * FIELD_SLOTS + 4]!;
  }
  /** Index of the first field with this id, or -1. */
  find(id: number): number {
    for (let i = 0; i < this.fieldCount; i++) if (this.#fields[i * FIELD_SLOTS] === id) return i;
    return -1;
  }
  /** Value of field `index` as Latin-1 text. */
  value(index: number): string {
    return latin1(this.buf, this.valueStart(index), this.valueEnd(index));
  }
  name(index: number): string {
    return latin1(this.buf, this.nameStart(index), this.nameEnd(index));
  }
  method(): string {
    return latin1(this.buf, this.methodStart, this.methodEnd);
  }
  target(): string {
    return latin1(this.buf, this.targetStart, this.targetEnd);
  }
  /** Whether the method is exactly this upper-case text. */
  methodIs(text: string): boolean {
    return this.methodEnd - this.methodStart === text.length && isText(this.buf, this.methodStart, text);
  }

  /** @internal Fields of an earlier head. */
  readonly known = new KnownFields();
  /** @internal This head's fields are those of `known`, all of them. */
  isKnown = false;
  /** Per field: its line in `known`, -1 for none, or -2 less the line that has the same name. */
  #lines = new Int16Array(24);

  /** Where the lines of `known` begin that the slots hold; -1: they hold others too. */
  #recalledAt = -1;

  /** @internal The line of `known` that a field has the bytes of; below 0: of none. */
  knownLine(index: number): number {
    return this.#lines[index]!;
  }

  /** @internal The line of `known` that has the name of a field and another value; -1: none. */
  knownName(index: number): number {
    const line = this.#lines[index]!;
    return line <= -2 ? -2 - line : -1;
  }

  /** @internal The fields are those of `known`, all of them. */
  recall(): void {
    const { known } = this;
    known.hit();
    this.isKnown = true;
    if (this.#recalledAt < 0) {
      for (let line = 0; line < known.count; line++) this.addKnown(line, this.fieldsStart + known.starts[line]!);
    } else {
      this.fieldCount = known.count;
      this.#move(this.fieldsStart - this.#recalledAt);
    }
    this.#recalledAt = this.fieldsStart;
  }

  /** @internal Remembers the fields just parsed, now and then. */
  learn(): void {
    this.#recalledAt = -1;
    if (!this.known.missed()) return;
    this.known.remember(this.buf, this.fieldsStart, this.end, this.#fields, this.fieldCount, this.#lines);
    this.isKnown = this.known.count === this.fieldCount;
    if (!this.isKnown) return;
    for (let i = 0; i < this.fieldCount; i++) this.#lines[i] = i;
    this.#recalledAt = this.fieldsStart;
  }

  /** @internal The slots hold something else from now on. */
  overwrite(): void {
    this.#recalledAt = -1;
  }

  #move(delta: number): void {
    if (delta === 0) return;
    const fields = this.#fields;
    const end = this.fieldCount * FIELD_SLOTS;
    for (let i = 0; i < end; i += FIELD_SLOTS) {
      fields[i + 1]! += delta;
      fields[i + 2]! += delta;
      fields[i + 3]! += delta;
      fields[i + 4]! += delta;
    }
  }

  /** @internal What one pass over the framing fields found. */
  readonly scan = {
    hosts: 0,
    codings: 0,
    chunkedLast: false,
    close: false,
    keepAlive: false,
    connectionUpgrade: false,
    upgrade: false,
    wordStart: 0,
    wordEnd: 0,
  };

  /** @internal Adds a field; false when the table is full. `nameLine`: the line of `known` with the same name, or -1. */
  addField(
    id: number,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    nameLine: number,
  ): boolean {
    if (this.fieldCount >= LIMITS.fieldCountMax) return false;
    const at = this.#reserve() * FIELD_SLOTS;
    this.#fields[at] = id;
    this.#fields[at + 1] = nameStart;
    this.#fields[at + 2] = nameEnd;
    this.#fields[at + 3] = valueStart;
    this.#fields[at + 4] = valueEnd;
    this.#lines[this.fieldCount++] = nameLine < 0 ? -1 : -2 - nameLine;
    return true;
  }

  /** @internal Adds a line of `known` that begins at `at`. */
  addKnown(line: number, at: number): void {
    this.known.copyLine(line, this.#fields, this.#reserve(), at);
    this.#lines[this.fieldCount++] = line;
  }

  /** Index of the next field, with room for it. */
  #reserve(): number {
    const index = this.fieldCount;
    if (index >= this.#lines.length) {
      const wider = new Int32Array(FIELD_SLOTS * LIMITS.fieldCountMax);
      wider.set(this.#fields);
      this.#fields = wider;
      const lines = new Int16Array(LIMITS.fieldCountMax);
      lines.set(this.#lines);
      this.#lines = lines;
    }
    return index;
  }
}

/**
 * Parses a whole request head in `buf[start, end)`, which ends with its empty line. Returns a fault code, or undefined and
 * `head` filled. Bare LF, folded lines, spaces before colons and control characters are refused, never repaired. `known`: the
 * fields' bytes are those that `head` remembers.
 */
export function parseRequestHead(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
  known: boolean,
): Http1FaultCode | undefined {
  let i = start;
  while (TOKEN[buf[i]!] === 1) i++;
  if (i === start || buf[i] !== SP) return 'bad-start-line';
  head.methodStart = start;
  head.methodEnd = i;
  const targetStart = ++i;
  while (TARGET[buf[i]!] === 1) i++;
  if (i === targetStart || buf[i] !== SP) return 'bad-start-line';
  head.targetStart = targetStart;
  head.targetEnd = i;
  i++;
  if (!isVersion(buf, i)) return isText(buf, i, 'HTTP/') ? 'bad-version' : 'bad-start-line';
  head.minor = buf[i + 7] === 0x31 ? 1 : 0;
  i += 8;
  if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-start-line';
  head.status = 0;
  reset(head, buf, start, i + 2, end);
  return readTarget(head) ?? readFields(head, names, known) ?? frameRequest(head);
}

/** As {@link parseRequestHead}, for a response. `noBody`: the request was HEAD. `tunnel`: it was CONNECT. */
export function parseResponseHead(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
  known: boolean,
  noBody: boolean,
  tunnel: boolean,
): Http1FaultCode | undefined {
  if (!isVersion(buf, start)) return 'bad-version';
  head.minor = buf[start + 7] === 0x31 ? 1 : 0;
  let i = start + 8;
  if (buf[i] !== SP) return 'bad-start-line';
  const a = HEX[buf[i + 1]!]!;
  const b = HEX[buf[i + 2]!]!;
  const c = HEX[buf[i + 3]!]!;
  if (a < 1 || a > 9 || b > 9 || c > 9) return 'bad-start-line';
  head.status = a * 100 + b * 10 + c;
  i += 4;
  if (buf[i] !== SP && buf[i] !== CR) return 'bad-start-line';
  while (VALUE[buf[i]!] === 1) i++;
  if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-start-line';
  reset(head, buf, start, i + 2, end);
  return readFields(head, names, known) ?? frameResponse(head, noBody, tunnel);
}

/** Parses a trailer section `buf[start, end)`, which ends with its empty line. */
export function parseTrailers(
  head: Http1Head,
  names: NameTable,
  buf: Uint8Array,
  start: number,
  end: number,
): Http1FaultCode | undefined {
  reset(head, buf, start, start, end);
  head.overwrite();
  return parseFields(head, names, 0);
}

function reset(head: Http1Head, buf: Uint8Array, start: number, fieldsStart: number, end: number): void {
  head.buf = buf;
  head.start = start;
  head.fieldsStart = fieldsStart;
  head.fieldsEnd = end - 2;
  head.end = end;
  head.fieldCount = 0;
  head.isKnown = false;
  head.framing = 'none';
  head.contentLength = -1;
  head.upgrade = false;
  head.expectContinue = false;
  head.connectionListsFields = false;
}

/** Parses the fields unless they are known to be those of the last head. */
function readFields(head: Http1Head, names: NameTable, known: boolean): Http1FaultCode | undefined {
  if (known) {
    head.recall();
    return undefined;
  }
  const fault = parseFields(head, names, head.known.count);
  if (fault === undefined) head.learn();
  return fault;
}

/** Where the line at `at` ends when its bytes are those of line `line`, else 0. */
function sameLine({ bytes, starts }: KnownFields, line: number, buf: Uint8Array, at: number, end: number): number {
  let from = starts[line]!;
  const to = starts[line + 1]!;
  let i = at;
  if (i + to - from > end) return 0;
  while (from < to && bytes[from] === buf[i]) {
    from++;
    i++;
  }
  return from === to ? i : 0;
}

/** `knownCount`: lines of `head.known` that may be made use of. */
function parseFields(head: Http1Head, names: NameTable, knownCount: number): Http1FaultCode | undefined {
  const { buf, fieldsEnd, known } = head;
  let i = head.fieldsStart;
  let line = 0;
  while (i < fieldsEnd) {
    if (line < knownCount) {
      const next = sameLine(known, line, buf, i, fieldsEnd);
      if (next > 0) {
        if (head.fieldCount >= LIMITS.fieldCountMax) return 'too-many-fields';
        head.addKnown(line++, i);
        i = next;
        continue;
      }
    }
    const nameStart = i;
    while (TOKEN[buf[i]!] === 1) i++;
    if (i === nameStart || buf[i] !== COLON) return 'bad-field';
    const nameEnd = i++;
    while (buf[i] === SP || buf[i] === HTAB) i++;
    const valueStart = i;
    while (VALUE[buf[i]!] === 1) i++;
    if (buf[i] !== CR || buf[i + 1] !== LF) return 'bad-field';
    let valueEnd = i;
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SP || buf[valueEnd - 1] === HTAB)) valueEnd--;
    // That line with a new value, or it is missing, or another came in before it.
    const nameLine = line < knownCount ? known.lineNamed(line, buf, nameStart, nameEnd) : -1;
    const id = nameLine < 0 ? names.id(buf, nameStart, nameEnd) : known.idOf(nameLine);
    if (!head.addField(id, nameStart, nameEnd, valueStart, valueEnd, nameLine)) return 'too-many-fields';
    if (nameLine >= 0) line = nameLine + 1;
    i += 2;
  }
  return i === fieldsEnd ? undefined : 'bad-field';
}

function readFraming(head: Http1Head): Http1FaultCode | undefined {
  const scan = head.scan;
  scan.hosts = 0;
  scan.codings = 0;
  scan.chunkedLast = false;
  scan.close = false;
  scan.keepAlive = false;
  scan.connectionUpgrade = false;
  scan.upgrade = false;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.fieldId(i);
    if (id === 0 || id > FIELD.expect) continue;
    const fault = readFramingField(head, id, i);
    if (fault !== undefined) return fault;
  }
  head.keepAlive = head.minor === 1 ? !scan.close : scan.keepAlive && !scan.close;
  return undefined;
}

function readFramingField(head: Http1Head, id: number, index: number): Http1FaultCode | undefined {
  switch (id) {
    case FIELD.host:
      // RFC 9112 section 3.2: more than one Host must be refused.
      if (++head.scan.hosts > 1) return 'two-hosts';
      return isAuthority(head.buf, head.valueStart(index), head.valueEnd(index)) ? undefined : 'bad-host';
    case FIELD['content-length']:
      return readLength(head, index);
    case FIELD['transfer-encoding']:
      return readCodings(head, index);
    case FIELD.connection:
      readConnection(head, index);
      return undefined;
    case FIELD.upgrade:
      head.scan.upgrade = true;
      return undefined;
    case FIELD.expect:
      if (isWord(head.buf, head.valueStart(index), head.valueEnd(index), '100-continue')) head.expectContinue = true;
      return undefined;
    default:
      return undefined;
  }
}

/** Even two equal lengths are refused: a forwarded pair may be read differently by the next hop. */
function readLength(head: Http1Head, index: number): Http1FaultCode | undefined {
  if (head.contentLength >= 0) return 'two-lengths';
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (end === start || end - start > LIMITS.lengthDigitsMax) return 'bad-length';
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = head.buf[i]! - 0x30;
    if (digit < 0 || digit > 9) return 'bad-length';
    length = length * 10 + digit;
  }
  head.contentLength = length;
  return undefined;
}

/**
 * RFC 9112 section 6.1: `chunked` at most once, and last. Other codings would have to be undone before the message can travel in
 * another version of HTTP; nobody may send them unasked (section 7.4), and what asks (`te`) is not forwarded.
 */
function readCodings(head: Http1Head, index: number): Http1FaultCode | undefined {
  const end = head.valueEnd(index);
  const scan = head.scan;
  let unknown = false;
  let at = head.valueStart(index);
  while (at < end) {
    at = nextItem(head, at, end);
    // Parsers differ about empty items.
    if (scan.wordEnd === scan.wordStart || at === end) return 'bad-transfer-encoding';
    if (scan.chunkedLast) return 'bad-transfer-encoding';
    scan.codings++;
    scan.chunkedLast = isWord(head.buf, scan.wordStart, scan.wordEnd, 'chunked');
    if (!scan.chunkedLast) unknown = true;
  }
  if (scan.codings === 0) return 'bad-transfer-encoding';
  if (unknown) return scan.chunkedLast ? 'unknown-coding' : 'bad-transfer-encoding';
  return undefined;
}

function readConnection(head: Http1Head, index: number): void {
  const end = head.valueEnd(index);
  const scan = head.scan;
  let at = head.valueStart(index);
  while (at < end) {
    at = nextItem(head, at, end);
    if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'close')) scan.close = true;
    else if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'keep-alive')) scan.keepAlive = true;
    else if (isWord(head.buf, scan.wordStart, scan.wordEnd, 'upgrade')) scan.connectionUpgrade = true;
    else if (scan.wordEnd > scan.wordStart) head.connectionListsFields = true;
  }
}

function frameRequest(head: Http1Head): Http1FaultCode | undefined {
  const fault = readFraming(head);
  if (fault !== undefined) return fault;
  if (head.scan.hosts === 0 && head.minor === 1) return 'no-host';
  if (head.scan.codings > 0) {
    if (head.contentLength >= 0) return 'length-and-chunked';
    if (head.minor === 0) return 'bad-transfer-encoding';
    head.framing = 'chunked';
  } else if (head.contentLength > 0) head.framing = 'length';
  else head.framing = 'none';
  const isConnect = head.methodIs('CONNECT');
  // RFC 9110 section 9.3.6: there is none. A server that takes it for one would read the next request as it.
  if (isConnect && head.framing !== 'none') return 'connect-body';
  head.upgrade = isConnect || (head.scan.upgrade && head.scan.connectionUpgrade && head.minor === 1);
  return undefined;
}

/** RFC 9112 section 6.3, in its order. */
function frameResponse(head: Http1Head, noBody: boolean, tunnel: boolean): Http1FaultCode | undefined {
  const fault = readFraming(head);
  if (fault !== undefined) return fault;
  const status = head.status;
  if (head.scan.codings > 0 && head.contentLength >= 0) return 'length-and-chunked';
  if (noBody || status < 200 || status === 204 || status === 304) head.framing = 'none';
  else if (tunnel && status < 300) head.framing = 'none';
  else if (head.scan.codings > 0) {
    if (head.minor === 0) return 'bad-transfer-encoding';
    head.framing = 'chunked';
  } else if (head.contentLength >= 0) head.framing = head.contentLength === 0 ? 'none' : 'length';
  else head.framing = 'until-close';
  if (head.framing === 'until-close') head.keepAlive = false;
  head.upgrade = status === 101 || (tunnel && status >= 200 && status < 300);
  return undefined;
}

/** Finds the next item of a comma list, without its spaces, into `scan`; returns where to go on. */
function nextItem(head: Http1Head, start: number, end: number): number {
  const buf = head.buf;
  let i = start;
  while (i < end && (buf[i] === SP || buf[i] === HTAB)) i++;
  head.scan.wordStart = i;
  while (i < end && buf[i] !== COMMA) i++;
  let wordEnd = i;
  while (wordEnd > head.scan.wordStart && (buf[wordEnd - 1] === SP || buf[wordEnd - 1] === HTAB)) wordEnd--;
  head.scan.wordEnd = wordEnd;
  return i + 1;
}

/** Whether a comma list, such as the value of `connection`, names this lower-case word. */
export function listNames(head: Http1Head, listIndex: number, nameIndex: number): boolean {
  const end = head.valueEnd(listIndex);
  const nameStart = head.nameStart(nameIndex);
  const length = head.nameEnd(nameIndex) - nameStart;
  let at = head.valueStart(listIndex);
  while (at < end) {
    at = nextItem(head, at, end);
    const wordStart = head.scan.wordStart;
    if (head.scan.wordEnd - wordStart !== length) continue;
    let i = 0;
    while (i < length && LOWER[head.buf[wordStart + i]!] === LOWER[head.buf[nameStart + i]!]) i++;
    if (i === length) return true;
  }
  return false;
}

/** Case-insensitive comparison with a lower-case word. */
function isWord(buf: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (LOWER[buf[start + i]!] !== word.charCodeAt(i)) return false;
  return true;
}

function isText(buf: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

function isVersion(buf: Uint8Array, start: number): boolean {
  return isText(buf, start, 'HTTP/1.') && (buf[start + 7] === 0x30 || buf[start + 7] === 0x31);
}
