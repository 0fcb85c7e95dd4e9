import * as packet from 'dns-packet';
import { type DnsRecord, type DnsView, resolve } from './records.ts';

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
const RCODE = { ok: 0, formatError: 1, noSuchName: 3, notImplemented: 4 } as const;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_AVAILABLE = 1 << 7;
const RECURSION_DESIRED = 1 << 8;

type Answer = packet.Answer;

/** Answers one query datagram; undefined for what is no query. `limitBytes` cuts UDP answers, TCP has none. */
export function answer(
  query: Buffer,
  view: DnsView,
  options: { clusterDomain: string; isUdp: boolean },
): Buffer | undefined {
  const decoded = decode(query);
  if (!decoded) return query.length < 12 ? undefined : formatError(query);
  if (decoded.type !== 'query') return undefined;
  const edns = decoded.additionals?.find(({ type }) => type === 'OPT') as packet.OptAnswer | undefined;
  const [question] = decoded.questions ?? [];
  const found = question ? lookUp(question, view, options.clusterDomain) : { rcode: RCODE.formatError, answers: [] };
  const flags = AUTHORITATIVE | RECURSION_AVAILABLE | ((decoded.flags ?? 0) & RECURSION_DESIRED) | found.rcode;
  const response: packet.Packet = {
    type: 'response',
    id: decoded.id ?? 0,
    flags,
    questions: question ? [question] : [],
    answers: found.answers,
    authorities: found.answers.length === 0 ? [startOfAuthority(options.clusterDomain)] : [],
    additionals: edns ? [ednsAnswer()] : [],
  };
  const bytes = packet.encode(response);
  const asked = edns?.udpPayloadSize ?? LIMITS.plainUdpBytesMax;
  const limit = Math.min(Math.max(asked, LIMITS.plainUdpBytesMax), LIMITS.udpBytesMax);
  if (!options.isUdp || bytes.length <= limit) return bytes;
  return packet.encode({ ...response, flags: flags | TRUNCATED, answers: [], authorities: [] });
}

function decode(query: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(query);
  } catch {
    return undefined; // malformed: answered with a format error
  }
}

function formatError(query: Buffer): Buffer {
  return packet.encode({ type: 'response', id: query.readUInt16BE(0), flags: RCODE.formatError });
}

const ednsAnswer = (): packet.OptAnswer => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize: LIMITS.udpBytesMax,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

/** The authority of an empty answer: how long its emptiness may be believed. */
const startOfAuthority = (clusterDomain: string): Answer => ({
  type: 'SOA',
  name: clusterDomain,
  ttl: LIMITS.ttlSeconds,
  data: {
    mname: `ns.dns.${clusterDomain}`,
    rname: `hostmaster.${clusterDomain}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: LIMITS.ttlSeconds,
  },
});

function lookUp(question: packet.Question, view: DnsView, clusterDomain: string): { rcode: number; answers: Answer[] } {
  const first = resolve(question.name, view, clusterDomain);
  if (!first.exists) return { rcode: RCODE.noSuchName, answers: [] };
  const records = followAliases(first.records, view, clusterDomain).filter(
    ({ type }) => (question.type as string) === 'ANY' || type === question.type || type === 'CNAME',
  );
  // Clients compare the spelling of the name with their own.
  const asAsked = (record: DnsRecord): DnsRecord =>
    record.name === question.name.toLowerCase() ? { ...record, name: question.name } : record;
  return { rcode: RCODE.ok, answers: records.map(asAsked).map(toAnswer) };
}

/** An alias that leads to another name of the cluster brings that name's records along. */
function followAliases(records: readonly DnsRecord[], view: DnsView, clusterDomain: string): DnsRecord[] {
  const all = [...records];
  for (let depth = 0; depth < LIMITS.aliasesMax; depth++) {
    const last = all.at(-1);
    if (last?.type !== 'CNAME') break;
    all.push(...resolve(last.target, view, clusterDomain).records);
  }
  return all;
}

function toAnswer(record: DnsRecord): Answer {
  const common = { name: record.name, ttl: LIMITS.ttlSeconds };
  if (record.type === 'A') return { ...common, type: 'A', data: record.address };
  if (record.type === 'SRV')
    return { ...common, type: 'SRV', data: { priority: 0, weight: 100, port: record.port, target: record.target } };
  return { ...common, type: record.type, data: record.target };
}
