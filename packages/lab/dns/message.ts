import * as packet from 'dns-packet';
import { type ClustersetView, resolveAll, zoneOf } from './clusterset.ts';
import { type DnsResponse, encodeResponse } from './encode.ts';
import type { DnsRecord } from './records.ts';

/** Bounds of the DNS server. */
export const LIMITS = {
  /** Answers over UDP without EDNS. */
  plainUdpBytesMax: 512,
  /** The most that a client may ask for over UDP. */
  udpBytesMax: 4096,
  /** Seconds that answers may be kept; endpoints come and go. */
  ttlSeconds: 5,
  /** TCP connections at once, and how long an idle one stays. */
  tcpConnectionsMax: 256,
  tcpIdleMs: 10_000,
  /** CNAMEs followed inside the cluster. */
  aliasesMax: 8,
} as const;

/** Response codes of RFC 1035. */
const HEADER_BYTES = 12;
const RCODE = { ok: 0, formatError: 1, noSuchName: 3, notImplemented: 4 } as const;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_AVAILABLE = 1 << 7;
const RECURSION_DESIRED = 1 << 8;

/** Type codes of questions that records can answer. */
const ASKED: Readonly<Record<string, number>> = { A: 1, CNAME: 5, PTR: 12, SRV: 33, AAAA: 28, ANY: 255 };

/**
 * Answers one query; undefined for what is no query. Over UDP an answer that is too long is cut and says so.
 * `turn` says which record comes first, so that clients that take the first address spread.
 */
export function answer(
  query: Buffer,
  view: ClustersetView,
  options: { clusterDomain: string; isUdp: boolean; turn?: number },
): Buffer | undefined {
  const decoded = decode(query);
  if (!decoded) return query.length < HEADER_BYTES ? undefined : formatError(query);
  if (decoded.type !== 'query') return undefined;
  const edns = decoded.additionals?.find(({ type }) => type === 'OPT') as packet.OptAnswer | undefined;
  const [question] = decoded.questions ?? [];
  const found = question ? lookUp(question, view, options.clusterDomain) : { rcode: RCODE.formatError, answers: [] };
  const response: DnsResponse = {
    id: decoded.id ?? 0,
    flags: AUTHORITATIVE | RECURSION_AVAILABLE | ((decoded.flags ?? 0) & RECURSION_DESIRED) | found.rcode,
    question: question && questionOf(query, question),
    answers: rotated(found.answers, options.turn ?? 0),
    ttlSeconds: LIMITS.ttlSeconds,
    authority: found.answers.length === 0 ? zoneOf(question?.name ?? '', options.clusterDomain) : undefined,
    ednsBytes: edns && LIMITS.udpBytesMax,
  };
  const bytes = encodeResponse(response);
  const asked = edns?.udpPayloadSize ?? LIMITS.plainUdpBytesMax;
  const limit = Math.min(Math.max(asked, LIMITS.plainUdpBytesMax), LIMITS.udpBytesMax);
  if (!options.isUdp || bytes.length <= limit) return bytes;
  return encodeResponse({ ...response, flags: response.flags | TRUNCATED, answers: [], authority: undefined });
}

/** Aliases stay in front of what they lead to. */
function rotated(records: readonly DnsRecord[], turn: number): readonly DnsRecord[] {
  if (records.length < 2 || records[0]?.type === 'CNAME') return records;
  const first = turn % records.length;
  return [...records.slice(first), ...records.slice(0, first)];
}

function decode(query: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(query);
  } catch {
    return undefined; // malformed: answered with a format error
  }
}

const nothing = { question: undefined, answers: [], ttlSeconds: 0, authority: undefined, ednsBytes: undefined };

const formatError = (query: Buffer): Buffer =>
  encodeResponse({ ...nothing, id: query.readUInt16BE(0), flags: RCODE.formatError });

/** The question as it must come back, with the type's code even where it has no name here. */
function questionOf(query: Buffer, { name, type }: packet.Question): DnsResponse['question'] {
  const end = HEADER_BYTES + Buffer.byteLength(name, 'latin1') + (name === '' || name === '.' ? 1 : 2);
  const code = ASKED[type] ?? (end + 2 <= query.length ? query.readUInt16BE(end) : 0);
  return { name, type: code, class: 1 };
}

function lookUp(
  question: packet.Question,
  view: ClustersetView,
  clusterDomain: string,
): { rcode: number; answers: DnsRecord[] } {
  const first = resolveAll(question.name, view, clusterDomain);
  if (!first.exists) return { rcode: RCODE.noSuchName, answers: [] };
  const records = followAliases(first.records, view, clusterDomain).filter(
    ({ type }) => (question.type as string) === 'ANY' || type === question.type || type === 'CNAME',
  );
  // Clients compare the spelling of the name with their own.
  const asAsked = (record: DnsRecord): DnsRecord =>
    record.name === question.name.toLowerCase() ? { ...record, name: question.name } : record;
  return { rcode: RCODE.ok, answers: records.map(asAsked) };
}

/** An alias that leads to another name of the cluster brings that name's records along. */
function followAliases(records: readonly DnsRecord[], view: ClustersetView, clusterDomain: string): DnsRecord[] {
  const all = [...records];
  for (let depth = 0; depth < LIMITS.aliasesMax; depth++) {
    const last = all.at(-1);
    if (last?.type !== 'CNAME') break;
    all.push(...resolveAll(last.target, view, clusterDomain).records);
  }
  return all;
}
