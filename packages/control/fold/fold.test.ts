import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import type { KubeObject } from '#api/kube';
import { ApiError, FakeKubeClient, type WatchSink } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { encodeMessage, GrpcError, type ResponseStream } from '#runtime/grpc';
import { GRPC_PREFIX_BYTES } from '#wire/grpc';
import { createControlMetrics } from '../process/index.ts';
import { Answers, Collection, follow, notedClient, streamSnapshots, Topics, WatchHealth } from './index.ts';

const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

test('a topic tells its listeners once for many changes, and nobody after they stopped', async () => {
  const topics = new Topics();
  const heard: string[] = [];
  const stop = topics.subscribe('service:a/web', 'a', () => heard.push('web'));
  topics.subscribe('service:b/db', 'b', () => heard.push('db'));
  topics.subscribe('ip:1', undefined, () => heard.push('ip'));
  topics.touch('service:a/web');
  topics.touch('service:a/web');
  topics.touchAll('service:', 'b');
  topics.touch('service:unknown');
  await turn();
  assert.deepEqual(heard, ['web', 'db']);
  stop();
  topics.touchAll('service:');
  await turn();
  assert.deepEqual(heard, ['web', 'db', 'db']);
});

test('after telling that took long, changes gather until the rest is over; short telling is never delayed', async () => {
  const clock = new FakeClock();
  const topics = new Topics(clock);
  const heard: string[] = [];
  topics.subscribe('quick', undefined, () => heard.push('quick'));
  topics.subscribe('slow', undefined, () => {
    heard.push('slow');
    clock.advance(30);
  });
  topics.touch('quick');
  await turn();
  topics.touch('slow');
  await turn();
  for (let i = 0; i < 3; i += 1) {
    topics.touch('quick');
    topics.touch('slow');
    await turn();
  }
  assert.deepEqual(heard, ['quick', 'slow']);
  clock.advance(59);
  assert.deepEqual(heard, ['quick', 'slow']);
  clock.advance(1);
  assert.deepEqual(heard, ['quick', 'slow', 'quick', 'slow']);
});

test('a collection folds a new full set into what changed, and takes a missing resource for an empty one', () => {
  const heard: string[] = [];
  const names = new Collection<string>(
    (object) => (object.metadata.name === 'skip' ? undefined : object.metadata.name),
    (key, now, old) => heard.push(`${key}: ${old ?? '-'} > ${now ?? '-'}`),
  );
  let synced = 0;
  const sink = names.sink(
    () => {
      synced += 1;
    },
    () => {},
    () => {},
  );
  const object = (name: string) => ({ metadata: { namespace: 'a', name } });
  sink.reset([object('x'), object('y'), object('skip')]);
  sink.reset([object('y')]);
  sink.deleted(object('y'));
  assert.deepEqual(heard, ['a/x: - > x', 'a/y: - > y', 'a/y: y > y', 'a/x: x > -', 'a/y: y > -']);
  sink.failed?.({ error: ApiError.of(404, 'NotFound', 'no such resource'), attempt: 1, retryInMs: 0 });
  sink.failed?.({ error: new Error('refused'), attempt: 2, retryInMs: 0 });
  assert.equal(synced, 3);
});

test('metrics say of each watch how often it failed and began anew, and for how long it has been lost', () => {
  const clock = new FakeClock();
  const metrics = createControlMetrics(() => clock.nowMs());
  const health = new WatchHealth(metrics, clock);
  const value = (family: string) =>
    Number(new RegExp(`^${family}{cluster="local",resource="pods"} (\\S+)$`, 'm').exec(metrics.render())?.[1]);
  const lost = () => value('kube_watch_lost_seconds');
  const heard: string[] = [];
  const pods = new Collection<string>(
    ({ metadata }) => metadata.name,
    () => {},
  );
  const sinks: WatchSink<KubeObject>[] = [];
  let stopped = 0;
  const following = follow(
    {
      watch(_gvr, _options, sink) {
        sinks.push(sink as unknown as WatchSink<KubeObject>);
        return () => {
          stopped += 1;
        };
      },
    },
    [{ gvr: { group: '', version: 'v1', resource: 'pods' }, collection: pods }],
    {
      failed: () => heard.push('failed'),
      recovered: () => heard.push('recovered'),
      noted: (resource, sink) => health.note('local', resource, sink),
    },
  );
  const sink = sinks[0]!;
  const fail = (error: Error) => sink.failed?.({ error, attempt: 1, retryInMs: 0 });
  sink.reset([]);
  assert.deepEqual([lost(), value('kube_watch_lists_total'), value('kube_watch_failures_total')], [0, 1, 0]);
  fail(new Error('refused'));
  clock.advance(2_000);
  fail(new Error('refused'));
  clock.advance(3_000);
  assert.deepEqual([lost(), value('kube_watch_failures_total')], [5, 2]);
  const other = health.note('local', 'pods', sink);
  assert.equal(lost(), 5, 'the one of the two that is lost');
  other.stop();
  sink.recovered?.();
  sink.reset([]);
  assert.deepEqual([lost(), value('kube_watch_lists_total')], [0, 2]);
  fail(ApiError.of(404, 'NotFound', 'not served'));
  clock.advance(1_000);
  assert.deepEqual([lost(), value('kube_watch_failures_total')], [0, 2], 'what is not served is not lost');
  assert.deepEqual(heard, ['failed', 'recovered', 'failed']);
  following.stop();
  assert.equal(stopped, 1);
});

test('watches of a client that is looked at are counted until they end, and all else goes through', async () => {
  const clock = new FakeClock();
  const metrics = createControlMetrics(() => clock.nowMs());
  const kube = new FakeKubeClient();
  const client = notedClient(kube, new WatchHealth(metrics, clock), 'local');
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const seen: string[] = [];
  const stop = client.watch<KubeObject>(
    pods,
    {},
    {
      reset: () => {},
      applied: ({ metadata }) => seen.push(metadata.name ?? ''),
      deleted: () => {},
    },
  );
  await turn();
  await client.create(pods, { metadata: { name: 'a', namespace: 'x' } });
  assert.deepEqual(seen, ['a']);
  assert.match(metrics.render(), /^kube_watch_lists_total\{cluster="local",resource="pods"\} 1$/m);
  stop();
  await client.create(pods, { metadata: { name: 'b', namespace: 'x' } });
  assert.deepEqual(seen, ['a']);
});

/** A stream whose reader is slow when told so. */
function fakeStream() {
  const sent: string[] = [];
  let writable = true;
  let resume = () => {};
  let closed = () => {};
  const stream: ResponseStream<typeof StringValueSchema> = {
    write: (message) => stream.writeEncoded(encodeMessage(StringValueSchema, message)),
    writeEncoded(message) {
      sent.push(fromBinary(StringValueSchema, message.subarray(GRPC_PREFIX_BYTES)).value);
      return writable;
    },
    get writable() {
      return writable;
    },
    onWritable: (listener) => {
      resume = listener;
    },
    end: (error) => sent.push(`end ${error?.code}`),
    onClose: (listener) => {
      closed = listener;
    },
  };
  return {
    sent,
    stream,
    slow: () => {
      writable = false;
    },
    catchUp: () => {
      writable = true;
      resume();
    },
    close: () => closed(),
  };
}

test('snapshots go out when they differ; for a slow reader only the last of many', () => {
  const fake = fakeStream();
  let value = 'a';
  let changed = () => {};
  let stopped = false;
  let merged = 0;
  streamSnapshots(
    StringValueSchema,
    {
      snapshot: () => {
        if (value === 'bad') throw new GrpcError('FAILED_PRECONDITION', 'conflict');
        return value === 'none' ? undefined : { value };
      },
      follow: (listener) => {
        changed = listener;
        return [
          () => {
            stopped = true;
          },
        ];
      },
    },
    fake.stream,
    () => {
      merged += 1;
    },
  );
  const set = (next: string) => {
    value = next;
    changed();
  };
  set('a');
  set('b');
  set('none');
  fake.slow();
  set('c');
  set('d');
  fake.catchUp();
  set('bad');
  fake.close();
  assert.deepEqual(fake.sent, ['a', 'b', 'd', 'end FAILED_PRECONDITION']);
  assert.equal(merged, 1);
  assert.ok(stopped);
});

test('who asks the same shares one answer: worked out once, held back for the slow one alone, asked anew when all have left', () => {
  const answers = new Answers(StringValueSchema, () => {});
  const state = { value: 'a', asked: 0, made: 0, stopped: 0 };
  let changed = () => {};
  const ask = () => {
    state.made += 1;
    return {
      snapshot: () => {
        state.asked += 1;
        if (state.value === 'bad') throw new GrpcError('FAILED_PRECONDITION', 'conflict');
        return { value: state.value };
      },
      follow: (listener: () => void) => {
        changed = listener;
        return [
          () => {
            state.stopped += 1;
          },
        ];
      },
    };
  };
  const [quick, slow, late] = [fakeStream(), fakeStream(), fakeStream()];
  answers.serve('k', ask, quick.stream);
  answers.serve('k', ask, slow.stream);
  slow.slow();
  for (const value of ['b', 'c']) {
    state.value = value;
    changed();
  }
  answers.serve('k', ask, late.stream);
  assert.deepEqual([quick.sent, slow.sent, late.sent], [['a', 'b', 'c'], ['a'], ['c']]);
  assert.deepEqual([state.made, state.asked], [1, 3]);
  slow.catchUp();
  assert.deepEqual(slow.sent, ['a', 'c']);
  for (const each of [quick, slow, late]) each.close();
  assert.equal(state.stopped, 1);
  const again = fakeStream();
  answers.serve('k', ask, again.stream);
  assert.equal(state.made, 2);
  state.value = 'bad';
  changed();
  assert.deepEqual(again.sent, ['c', 'end FAILED_PRECONDITION']);
  assert.throws(() => answers.serve('k', ask, fakeStream().stream), /conflict/);
});

test('a question that is over ends all its streams, and is asked anew by the next', () => {
  const answers = new Answers(StringValueSchema, () => {});
  const ends: (() => void)[] = [];
  let stopped = 0;
  const ask = () => ({
    snapshot: () => ({ value: 'a' }),
    follow: (_changed: () => void, end: () => void) => {
      ends.push(end);
      return [
        () => {
          stopped += 1;
        },
      ];
    },
  });
  const [one, other, next] = [fakeStream(), fakeStream(), fakeStream()];
  answers.serve('k', ask, one.stream);
  answers.serve('k', ask, other.stream);
  ends[0]?.();
  ends[0]?.();
  answers.serve('k', ask, next.stream);
  assert.deepEqual([one.sent, other.sent, next.sent], [['a', 'end undefined'], ['a', 'end undefined'], ['a']]);
  assert.deepEqual([ends.length, stopped], [2, 1]);
});
