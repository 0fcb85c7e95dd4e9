/** What is measured, as a table: the load, what counts of it, and the aim beside Envoy in the same run. */
import type { Protocol } from './addresses.ts';
import { type Load, runH2load, runWrk } from './load.ts';
import { BIG_BODY_BYTES } from './peers/index.ts';

/** One measurement of one contender. */
export interface Sample extends Load {
  readonly scenario: string;
  readonly name: string;
  /** User and system time of its processes, a request and hop, microseconds. */
  readonly cpuUsPerHop: number;
  /** Bytes of bodies a second of CPU time of one hop, MB (10^6). */
  readonly mbPerCpuSecond: number;
  /** Requests that were answered just before, to have connections open. */
  readonly unmeasured: number;
  /** Share of all cores that processes outside the benchmark took meanwhile. */
  readonly othersShare: number;
}

export type Figure = 'cpuUsPerHop' | 'mbPerCpuSecond' | 'p50Ms' | 'p99Ms';

export const FIGURES: Readonly<
  Record<Figure, { readonly title: string; readonly digits: number; readonly best: 'least' | 'most' }>
> = {
  cpuUsPerHop: { title: 'CPU us/request/hop', digits: 1, best: 'least' },
  mbPerCpuSecond: { title: 'MB/CPU second/hop', digits: 0, best: 'most' },
  p50Ms: { title: 'p50 ms', digits: 2, best: 'least' },
  p99Ms: { title: 'p99 ms', digits: 2, best: 'least' },
};

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly protocol: Protocol;
  /** Behind the contender's address. */
  readonly path: string;
  /** Unmeasured load just before, so that connections are open. */
  readonly leadSeconds: number;
  /** Of each body of a response, where that is what is measured. */
  readonly bodyBytes?: number;
  /** Aims as shares of Envoy's figure. */
  readonly aims: Partial<Record<Figure, number>>;
  load(url: string, seconds: number): Promise<Load>;
}

const CONNECTIONS = 32;
const MANY = 1_000;
const RATE = 5_000;
const STREAMING = 4;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'http1',
    title: `HTTP/1.1, ${CONNECTIONS} connections that stay open`,
    protocol: 'http1',
    path: '',
    leadSeconds: 1,
    aims: { cpuUsPerHop: 0.4 },
    load: (url, seconds) => runWrk(url, { connections: CONNECTIONS, seconds }),
  },
  {
    name: 'grpc',
    title: 'HTTP/2, gRPC unary, 4 connections of 16 streams',
    protocol: 'http2',
    path: 'bench.Echo/Say',
    leadSeconds: 1,
    aims: { cpuUsPerHop: 0.5 },
    load: (url, seconds) => runH2load(url, { connections: 4, streams: 16, seconds }),
  },
  {
    name: 'many',
    title: `HTTP/1.1, ${MANY} connections that stay open`,
    protocol: 'http1',
    path: '',
    leadSeconds: 3,
    aims: { cpuUsPerHop: 0.5, p99Ms: 1.1 },
    load: (url, seconds) => runWrk(url, { connections: MANY, seconds }),
  },
  {
    name: 'rate',
    title: `HTTP/1.1, ${RATE} requests a second over ${CONNECTIONS} connections`,
    protocol: 'http1',
    path: '',
    leadSeconds: 1,
    aims: { p50Ms: 1.1, p99Ms: 1.1 },
    load: (url, seconds) => runH2load(url, { connections: CONNECTIONS, rate: RATE, seconds }),
  },
  {
    name: 'bytes',
    title: `opaque TCP, ${BIG_BODY_BYTES / 1e6} MB each, ${STREAMING} connections`,
    protocol: 'tcp',
    path: 'big',
    leadSeconds: 1,
    bodyBytes: BIG_BODY_BYTES,
    aims: { mbPerCpuSecond: 1 },
    load: (url, seconds) => runWrk(url, { connections: STREAMING, seconds }),
  },
  {
    name: 'bodies',
    title: `HTTP/1.1, bodies of ${BIG_BODY_BYTES / 1e6} MB, ${STREAMING} connections`,
    protocol: 'http1',
    path: 'big',
    leadSeconds: 1,
    bodyBytes: BIG_BODY_BYTES,
    aims: { mbPerCpuSecond: 1 },
    load: (url, seconds) => runWrk(url, { connections: STREAMING, seconds }),
  },
  {
    name: 'handshakes',
    title: 'a new connection a request, with its TLS handshake between the proxies',
    protocol: 'tcp',
    path: '',
    leadSeconds: 1,
    aims: { cpuUsPerHop: 1.2 },
    load: (url, seconds) => runWrk(url, { connections: 16, seconds, headers: ['Connection: close'] }),
  },
];
