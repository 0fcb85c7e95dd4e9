import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { tap } from '#api/mesh';
import type { ResponseStream } from '#runtime/grpc';
import { Field, type RequestHead } from '#wire/fields';
import { Outcome } from '../http/index.ts';
import { Session } from './session.ts';
import type { Subject } from './subject.ts';

const REQUEST: RequestHead = {
  version: 20,
  method: 'PURGE',
  scheme: 'https',
  authority: 'web',
  path: '/a?b',
  absoluteForm: false,
  upgrade: '',
  fields: [new Field(0, 'x-a', 'é')],
  contentLength: -1,
};
const SUBJECT: Subject = {
  direction: 'inbound',
  request: REQUEST,
  source: { ip: '10.0.0.1', port: 1, labels: {} },
  destination: { ip: '10.0.0.2', port: 2, labels: {} },
  routeLabels: { route: 'r' },
};

type Event = MessageInitShape<typeof tap.TapEventSchema>;

/** A stream whose reader can be held up. */
class FakeStream {
  readonly events: Event[] = [];
  encoded = 0;
  writable = true;
  ended = false;
  #wake = (): void => undefined;

  write(event: Event): boolean {
    this.events.push(event);
    return this.writable;
  }
  writeEncoded(): boolean {
    this.encoded++;
    return this.writable;
  }
  onWritable(listener: () => void): void {
    this.#wake = listener;
  }
  onClose(): void {
    // These streams stay open.
  }
  end(): void {
    this.ended = true;
  }
  wake(): void {
    this.writable = true;
    this.#wake();
  }
}

function make(limit: number, headers = false) {
  const stream = new FakeStream();
  let dropped = 0;
  const request = create(tap.ObserveRequestSchema, {
    limit,
    match: { match: { case: 'all', value: {} } },
    ...(headers && {
      extract: { extract: { case: 'http' as const, value: { extract: { case: 'headers' as const, value: {} } } } },
    }),
  });
  const session = new Session(request, {
    base: 7,
    stream: stream as unknown as ResponseStream<typeof tap.TapEventSchema>,
    dropped: () => dropped++,
  });
  return { stream, session, dropped: () => dropped };
}

const http = (event: Event | undefined) => (event?.event?.case === 'http' ? event.event.value.event : undefined);

test('events of HTTP/2 carry pseudo-header fields, trailers and how the stream ended', () => {
  const { stream, session } = make(1, true);
  const tapped = session.take(SUBJECT)!;
  tapped.responded({ version: 20, status: 200, upgrade: '', fields: [], contentLength: -1 }, 1_500.5);
  const trailers = [new Field(0, 'grpc-status', '5')];
  tapped.ended(Object.assign(new Outcome(), { endMs: 2, isGrpc: true, grpcStatus: 5, trailers }));
  const [init, response, end] = stream.events.map(http);
  assert.ok(init?.case === 'requestInit' && response?.case === 'responseInit' && end?.case === 'responseEnd');
  assert.deepEqual(
    init.value.headers?.headers?.map(({ name }) => name),
    [':method', ':scheme', ':authority', ':path', 'x-a'],
  );
  assert.deepEqual([...(init.value.headers?.headers?.at(-1)?.value ?? [])], [0xe9]);
  assert.deepEqual(init.value.method?.type, { case: 'unregistered', value: 'PURGE' });
  assert.equal(init.value.path, '/a');
  assert.deepEqual(init.value.id, { base: 7, stream: 0n });
  assert.deepEqual(response.value.sinceRequestInit, { seconds: 1n, nanos: 500_500_000 });
  assert.equal(response.value.headers?.headers?.[0]?.name, ':status');
  assert.deepEqual(end.value.eos?.end, { case: 'grpcStatusCode', value: 5 });
  assert.equal(end.value.trailers?.headers?.[0]?.name, 'grpc-status');
  assert.equal(end.value.sinceResponseInit, undefined);
  assert.ok(stream.ended);
});

test('a reset is told by its code', () => {
  const { stream, session } = make(1);
  session.take(SUBJECT)?.ended(Object.assign(new Outcome(), { resetCode: 8 }));
  const end = http(stream.events.at(-1));
  assert.ok(end?.case === 'responseEnd');
  assert.deepEqual(end.value.eos?.end, { case: 'resetErrorCode', value: 8 });
});

test('a slow reader loses events beyond 400, or beyond a megabyte, and gets the others later', () => {
  const few = make(1_000);
  few.stream.writable = false;
  for (let i = 0; i < 500; i++) few.session.take(SUBJECT);
  assert.equal(few.dropped(), 100);
  few.stream.wake();
  assert.equal(few.stream.encoded, 400);
  const large = make(1_000, true);
  large.stream.writable = false;
  const request = { ...REQUEST, fields: [new Field(0, 'x-large', 'x'.repeat(60_000))] };
  for (let i = 0; i < 100; i++) large.session.take({ ...SUBJECT, request });
  assert.ok(large.dropped() > 80);
});

test('no more requests than the limit are taken, and the stream ends when the last one has', () => {
  const { stream, session } = make(2);
  const first = session.take(SUBJECT);
  const second = session.take(SUBJECT);
  assert.equal(session.take(SUBJECT), undefined);
  assert.equal(session.wants, false);
  second?.ended(new Outcome());
  assert.equal(stream.ended, false);
  first?.ended(new Outcome());
  assert.ok(stream.ended);
});
