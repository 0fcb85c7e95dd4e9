/**
 * Proxies that follow one Service and one pod, each over a connection of its own; some stop reading. Run inside the lab's network.
 * First line of stdin: an {@link Order} as JSON. Then a command a line, each answered by a line of {@link Report}: `slow` stops the
 * reading of all but the first of each kind, `read` lets them go on, `report` only tells.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import {
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  fromBinary,
  type MessageInitShape,
  toJson,
} from '@bufbuild/protobuf';
import { decodeTcpAddress, destination, encodeTcpAddress, inbound, outbound } from '#api/mesh';
import { encodeMessage } from '#runtime/grpc';
import { createNameTable, type Field, FieldCache, type RequestHead, type ResponseHead } from '#wire/fields';
import { GrpcDecoder, type GrpcMessageSink } from '#wire/grpc';
import { createHttp2Connection, type Http2Connection, type Http2Sink, type Http2Stream } from '#wire/http2';

export interface Order {
  /** Address of the pod with the destination and the policy service. */
  address: string;
  /** `name.namespace.svc.cluster.local`, its address, and the port. */
  service: { name: string; ip: string; port: number };
  /** A workload, and a port of it. */
  workload: { token: string; port: number };
  /** Streams of each kind, of which the first never stops reading. */
  streams: number;
}

export const KINDS = ['get', 'profile', 'inbound', 'outbound'] as const;
export type Kind = (typeof KINDS)[number];

/** A stream as it stands. */
export interface StreamReport {
  /** What it was told, in short: equal where two streams were told the same. */
  state: string;
  /** The number `v…` that is part of what it was told last. */
  version: number;
  messages: number;
  /** When the last message came, ms since 1970. */
  lastMs: number;
  /** How it ended; absent: it goes on. */
  ended?: string;
}
export type Report = Record<Kind, StreamReport[]>;

const LIMITS = {
  /** HTTP/2's own: little of what is not read can hide on the way. */
  streamWindow: 65_535,
  connectionWindow: 65_535,
  maxConcurrentStreams: 0,
  maxFrameSize: 16_384,
  maxHeaderListSize: 16_384,
  headerTableSize: 4_096,
};
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
const FIELDS = new FieldCache(createNameTable(['content-type', 'grpc-message', 'grpc-status']));

/**
 * One stream on a connection of its own. Who is slow answers pings as others do, but takes no bytes off the stream's window: a
 * program that is stuck under a library that is not.
 */
class Subscriber<O extends DescMessage> implements Http2Sink<undefined>, GrpcMessageSink {
  readonly report: StreamReport = { state: '', version: -1, messages: 0, lastMs: 0 };
  readonly #endpoints = new Set<string>();
  readonly #method: DescMethodServerStreaming<DescMessage, O>;
  readonly #decoder = new GrpcDecoder(MESSAGE_BYTES_MAX, this);
  readonly #socket: Socket;
  readonly #http2: Http2Connection<undefined>;
  #stream: Http2Stream<undefined> | undefined;
  #isSlow = false;
  /** Bytes that came and were not taken. */
  #owed = 0;

  constructor(
    { host, port }: { host: string; port: number },
    method: DescMethodServerStreaming<DescMessage, O>,
    request: MessageInitShape<DescMessage>,
  ) {
    this.#method = method;
    this.#socket = connect(port, host);
    this.#http2 = createHttp2Connection('client', LIMITS, FIELDS, this);
    this.#socket.on('data', (chunk: Buffer) => this.#http2.receive(chunk, performance.now()));
    this.#socket.on('error', ({ message }) => this.#ended(message));
    this.#socket.on('close', () => this.#ended('the connection was closed'));
    this.#stream = this.#http2.request(headOf(method, `${host}:${port}`), false, undefined);
    const message = encodeMessage(method.input, request);
    this.#stream?.data(message, 0, message.length, true);
    this.output();
  }

  slow(): void {
    this.#isSlow = true;
  }

  read(): void {
    this.#isSlow = false;
    this.#stream?.consume(this.#owed);
    this.#owed = 0;
  }

  data(stream: Http2Stream<undefined>, buf: Buffer, start: number, end: number): void {
    this.#decoder.push(buf, start, end);
    if (this.#isSlow) this.#owed += end - start;
    else stream.consume(end - start);
  }

  message(buf: Uint8Array, start: number, end: number): void {
    const { output } = this.#method;
    const message = fromBinary(output, buf.subarray(start, end));
    this.#told(JSON.stringify(toJson(output, message)), message);
  }

  output(): void {
    setImmediate(() => {
      for (let bytes = this.#http2.takeOutput(65_536); bytes; bytes = this.#http2.takeOutput(65_536))
        this.#socket.write(bytes);
    });
  }

  response(_stream: Http2Stream<undefined>, { fields }: ResponseHead, end: boolean): void {
    if (end) this.trailers(_stream, fields);
  }

  trailers(_stream: Http2Stream<undefined>, fields: readonly Field[]): void {
    this.#ended(fields.map(({ name, value }) => `${name}: ${value}`).join(', '));
  }

  reset(_stream: Http2Stream<undefined>, code: number): void {
    this.#ended(`reset with code ${code}`);
  }

  fault(code: number | string, text: string): void {
    this.#ended(`${code} ${text}`);
  }

  request(): void {}
  writable(): void {}
  available(): void {}
  goaway(): void {}
  pong(): void {}

  #ended(how: string): void {
    this.report.ended ??= how;
  }

  #told(text: string, message: unknown): void {
    this.report.messages += 1;
    this.report.lastMs = Date.now();
    const whole = isUpdate(message) ? this.#endpointsAfter(message) : text;
    this.report.state = createHash('sha256').update(whole).digest('hex').slice(0, 12);
    this.report.version = Number(/v(\d+)/.exec(whole)?.[1] ?? -1);
  }

  /** The endpoints that an update leaves, in order; their second number is the version. */
  #endpointsAfter({ update }: destination.Update): string {
    if (update.case === 'add')
      for (const { addr } of update.value.addrs) this.#endpoints.add(decodeTcpAddress(addr) ?? '');
    else if (update.case === 'remove')
      for (const addr of update.value.addrs) this.#endpoints.delete(decodeTcpAddress(addr) ?? '');
    else this.#endpoints.clear();
    const sorted = [...this.#endpoints].sort();
    return `${sorted} v${sorted.at(-1)?.split('.')[1] ?? ''}`;
  }
}

const headOf = (method: DescMethod, authority: string): RequestHead => ({
  version: 20,
  method: 'POST',
  scheme: 'http',
  authority,
  path: `/${method.parent.typeName}/${method.name}`,
  absoluteForm: false,
  upgrade: '',
  fields: [FIELDS.fieldOf('content-type', 'application/grpc'), FIELDS.fieldOf('te', 'trailers')],
  contentLength: -1,
});

const isUpdate = (message: unknown): message is destination.Update =>
  (message as { $typeName?: string }).$typeName === destination.UpdateSchema.typeName;

function subscribe({ address, service, workload, streams }: Order): Record<Kind, Subscriber<DescMessage>[]> {
  const path = `${service.name}:${service.port}`;
  const contextToken = workload.token;
  const addr = encodeTcpAddress(service.ip, service.port);
  if (!addr) throw new Error(`no address: ${service.ip}`);
  const of = (
    port: number,
    method: DescMethodServerStreaming<DescMessage, DescMessage>,
    request: MessageInitShape<DescMessage>,
  ) => Array.from({ length: streams }, () => new Subscriber({ host: address, port }, method, request));
  const { get, getProfile } = destination.Destination.method;
  return {
    get: of(8086, get, { path, contextToken }),
    profile: of(8086, getProfile, { path, contextToken }),
    inbound: of(8090, inbound.InboundServerPolicies.method.watchPort, {
      workload: workload.token,
      port: workload.port,
    }),
    outbound: of(8090, outbound.OutboundPolicies.method.watch, {
      sourceWorkload: workload.token,
      target: { case: 'addr', value: addr },
    }),
  };
}

if (import.meta.main) {
  let subscribers: Record<Kind, Subscriber<DescMessage>[]> | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (!subscribers) {
      subscribers = subscribe(JSON.parse(line) as Order);
      continue;
    }
    const all = subscribers;
    for (const kind of KINDS)
      for (const subscriber of all[kind].slice(1)) {
        if (line === 'slow') subscriber.slow();
        if (line === 'read') subscriber.read();
      }
    console.log(JSON.stringify(Object.fromEntries(KINDS.map((kind) => [kind, all[kind].map(({ report }) => report)]))));
  }
  process.exit(0);
}
