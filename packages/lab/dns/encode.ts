import type { DnsRecord } from './records.ts';

/** A whole answer before it is written. */
export interface DnsResponse {
  id: number;
  /** Everything in the header's flag word but the answer bit, which is always set. */
  flags: number;
  question: { name: string; type: number; class: number } | undefined;
  answers: readonly DnsRecord[];
  ttlSeconds: number;
  /** The zone whose start of authority backs an empty answer. */
  authority: string | undefined;
  /** Bytes that we take over UDP, told when the client speaks EDNS. */
  ednsBytes: number | undefined;
}

const ANSWER = 1 << 15;
const IN = 1;
const TYPES = { A: 1, CNAME: 5, SOA: 6, PTR: 12, SRV: 33, OPT: 41 } as const;
const POINTER = 0xc000;
const POINTER_MAX = 0x3fff;
/** Refresh, retry and expire of a zone that nobody copies. */
const SOA_TIMES = [7200, 1800, 86_400] as const;

/** Writes a response. Names that were written before are pointed to: hundreds of addresses fit where ten did. */
export function encodeResponse(response: DnsResponse): Buffer {
  const writer = new Writer();
  const { question, answers, authority, ednsBytes } = response;
  writer.u16(
    response.id,
    ANSWER | response.flags,
    question ? 1 : 0,
    answers.length,
    authority ? 1 : 0,
    ednsBytes ? 1 : 0,
  );
  if (question) {
    writer.name(question.name);
    writer.u16(question.type, question.class);
  }
  for (const record of answers) writeRecord(writer, record, response.ttlSeconds);
  if (authority) writeAuthority(writer, authority, response.ttlSeconds);
  if (ednsBytes) {
    writer.u8(0);
    writer.u16(TYPES.OPT, ednsBytes, 0, 0, 0);
  }
  return writer.bytes();
}

function writeRecord(writer: Writer, record: DnsRecord, ttlSeconds: number): void {
  writer.name(record.name);
  writer.u16(TYPES[record.type], IN);
  writer.u32(ttlSeconds);
  writer.sized(() => {
    if (record.type === 'A') for (const part of record.address.split('.')) writer.u8(Number(part));
    else if (record.type === 'SRV') {
      writer.u16(0, 100, record.port);
      // RFC 2782: the target is written in full.
      writer.name(record.target, false);
    } else writer.name(record.target);
  });
}

function writeAuthority(writer: Writer, zone: string, ttlSeconds: number): void {
  writer.name(zone);
  writer.u16(TYPES.SOA, IN);
  writer.u32(ttlSeconds);
  writer.sized(() => {
    writer.name(`ns.dns.${zone}`);
    writer.name(`hostmaster.${zone}`);
    writer.u32(1, ...SOA_TIMES, ttlSeconds);
  });
}

class Writer {
  private buffer = Buffer.alloc(512);
  private at = 0;
  /** Where a name, in lower case, was first written. */
  private readonly offsets = new Map<string, number>();

  u8(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  u16(...values: readonly number[]): void {
    this.room(values.length * 2);
    for (const value of values) this.at = this.buffer.writeUInt16BE(value, this.at);
  }

  u32(...values: readonly number[]): void {
    this.room(values.length * 4);
    for (const value of values) this.at = this.buffer.writeUInt32BE(value, this.at);
  }

  /** Writes what `write` writes, led by its length. */
  sized(write: () => void): void {
    const start = this.at;
    this.u16(0);
    write();
    this.buffer.writeUInt16BE(this.at - start - 2, start);
  }

  name(name: string, mayPoint = true): void {
    let labels = name.replace(/\.$/, '').split('.').filter(Boolean);
    for (; labels.length > 0; labels = labels.slice(1)) {
      // The spelling counts: a client compares it with its question.
      const suffix = labels.join('.');
      const known = this.offsets.get(suffix);
      if (mayPoint && known !== undefined) {
        this.u16(POINTER | known);
        return;
      }
      if (this.at <= POINTER_MAX && known === undefined) this.offsets.set(suffix, this.at);
      const bytes = Buffer.from(labels[0] ?? '', 'latin1').subarray(0, 63);
      this.u8(bytes.length);
      this.room(bytes.length);
      this.at += bytes.copy(this.buffer, this.at);
    }
    this.u8(0);
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.alloc((this.buffer.length + bytes) * 2);
    this.buffer.copy(larger);
    this.buffer = larger;
  }
}
