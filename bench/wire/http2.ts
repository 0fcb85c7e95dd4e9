/**
 * What the HTTP/2 codec costs: two ends in one process, 16 streams at a time, request and response with headers that repeat and
 * a small body each way. Prints microseconds of CPU for one exchange, both ends together, best and median of several rounds.
 * `bun bench/wire/http2.ts`
 */
import { createNameTable, FieldCache, type RequestHead } from '#wire/fields';
import {
  createHttp2Connection,
  type Http2Connection,
  type Http2Options,
  type Http2Sink,
  type Http2Stream,
} from '#wire/http2';
import { renderTable } from '../table.ts';

const OPTIONS: Http2Options = {
  streamWindow: 1 << 20,
  connectionWindow: 1 << 24,
  maxConcurrentStreams: 1000,
  maxFrameSize: 16_384,
  maxHeaderListSize: 65_536,
  headerTableSize: 4096,
};
const STREAMS = 16;
const EXCHANGES = 100_000;
const ROUNDS = 7;

/** A sink that does nothing; cases override what they need. */
class Silent implements Http2Sink<undefined> {
  request(_stream: Http2Stream<undefined>, _head: RequestHead, _end: boolean): void {}
  response(): void {}
  data(stream: Http2Stream<undefined>, _buf: Buffer, start: number, end: number, _endStream: boolean): void {
    stream.consume(end - start);
  }
  trailers(): void {}
  reset(): void {}
  writable(): void {}
  available(): void {}
  goaway(): void {}
  pong(): void {}
  fault(_code: number, text: string): void {
    throw new Error(text);
  }
  output(): void {}
}

interface Case {
  readonly title: string;
  readonly requestFields: readonly (readonly [string, string])[];
  readonly responseFields: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly trailers: boolean;
  /** A field whose value is never the same. */
  readonly unique: boolean;
}

const USUAL = [
  ['user-agent', 'grpc-go/1.60.0'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ['accept-encoding', 'identity'],
  ['x-forwarded-proto', 'https'],
] as const;

const CASES: readonly Case[] = [
  {
    title: 'GET, 5 fields, no body',
    requestFields: USUAL,
    responseFields: [
      ['content-type', 'text/plain'],
      ['server', 'x'],
    ],
    bodyBytes: 0,
    trailers: false,
    unique: false,
  },
  {
    title: 'unary gRPC, 100 bytes each way',
    requestFields: USUAL,
    responseFields: [['content-type', 'application/grpc']],
    bodyBytes: 100,
    trailers: true,
    unique: false,
  },
  {
    title: 'as before, with a request id',
    requestFields: USUAL,
    responseFields: [['content-type', 'application/grpc']],
    bodyBytes: 100,
    trailers: true,
    unique: true,
  },
  {
    title: 'bodies of 64 KiB each way',
    requestFields: USUAL,
    responseFields: [['content-type', 'application/grpc']],
    bodyBytes: 65_536,
    trailers: true,
    unique: false,
  },
];

function run({ requestFields, responseFields, bodyBytes, trailers, unique }: Case, exchanges: number): number {
  const fields = new FieldCache(createNameTable());
  const own = (list: readonly (readonly [string, string])[]) =>
    list.map(([name, value]) => fields.fieldOf(name, value));
  const requestList = own(requestFields);
  const responseList = own(responseFields);
  const status = own([['grpc-status', '0']]);
  const body = Buffer.alloc(bodyBytes, 'x');
  let done = 0;

  const answer = (stream: Http2Stream<undefined>) => {
    stream.respond(200, responseList, bodyBytes === 0);
    if (bodyBytes === 0) return;
    stream.data(body, 0, bodyBytes, !trailers);
    if (trailers) stream.trailers(status);
  };
  class Server extends Silent {
    override request(stream: Http2Stream<undefined>, _head: RequestHead, end: boolean): void {
      if (end) answer(stream);
    }
    override data(stream: Http2Stream<undefined>, _buf: Buffer, start: number, end: number, endStream: boolean): void {
      stream.consume(end - start);
      if (endStream) answer(stream);
    }
  }
  const client: Http2Connection<undefined> = createHttp2Connection('client', OPTIONS, fields, new Silent());
  const server: Http2Connection<undefined> = createHttp2Connection('server', OPTIONS, fields, new Server());
  const move = (from: Http2Connection<undefined>, to: Http2Connection<undefined>): boolean => {
    const bytes = from.takeOutput(1 << 30);
    if (bytes === undefined) return false;
    to.receive(bytes, 0);
    return true;
  };
  const start = process.cpuUsage();
  while (done < exchanges) {
    for (let i = 0; i < STREAMS; i++) {
      const list = unique ? [...requestList, fields.fieldOf('x-request-id', `a7f3-${done + i}`)] : requestList;
      const head: RequestHead = {
        version: 20,
        method: 'POST',
        scheme: 'http',
        authority: 'web.emojivoto.svc.cluster.local:8080',
        path: '/emojivoto.v1.VotingService/VoteDoughnut',
        absoluteForm: false,
        upgrade: '',
        fields: list,
        contentLength: -1,
      };
      const stream = client.request(head, bodyBytes === 0, undefined);
      if (bodyBytes > 0) stream?.data(body, 0, bodyBytes, true);
    }
    done += STREAMS;
    while (move(client, server) || move(server, client));
  }
  if (client.openStreams > 0) throw new Error('streams are left over');
  const { user, system } = process.cpuUsage(start);
  return (user + system) / done;
}

const rows = CASES.map((each) => {
  const exchanges = Math.min(EXCHANGES, Math.ceil(4e9 / (each.bodyBytes * 40 + 20_000)));
  run(each, exchanges);
  const times = Array.from({ length: ROUNDS }, () => run(each, exchanges)).sort((a, b) => a - b);
  return [each.title, times[0]!.toFixed(2), times[ROUNDS >> 1]!.toFixed(2)];
});
console.log(renderTable([['exchange, client and server codec together', 'us, best', 'us, median'], ...rows]));
