import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, WatchEvent } from '#api/kube';
import { AnswerFault, ApiError } from '../client/errors.ts';
import { LIMITS } from '../client/limits.ts';
import { startReflector, type WatchSource } from './reflector.ts';

const object = (name: string, resourceVersion: string): KubeObject => ({ metadata: { name, resourceVersion } });

/** A scripted server: each list and each watch takes the next step. */
function scripted(lists: (KubeObject[] | Error)[], watches: ((WatchEvent | Error)[] | 'hold')[]) {
  const log: string[] = [];
  let lastRv = 0;
  const source: WatchSource<KubeObject> = {
    async list() {
      const next = lists.shift();
      if (!next) throw new Error('no more lists');
      if (next instanceof Error) throw next;
      lastRv += 100;
      return { items: next, resourceVersion: String(lastRv) };
    },
    watch(resourceVersion, _seconds, receive, opened) {
      log.push(`watch ${resourceVersion}`);
      const steps = watches.shift() ?? 'hold';
      let stop = (): void => {};
      const run = async (): Promise<void> => {
        await Promise.resolve();
        if (steps === 'hold') {
          opened();
          return new Promise((resolve) => {
            stop = resolve;
          });
        }
        for (const step of steps) {
          if (step instanceof Error) throw step;
          opened();
          receive(step);
        }
      };
      return { done: run(), stop: () => stop() };
    },
  };
  const sink = {
    reset: (items: readonly KubeObject[]) => void log.push(`reset ${items.map((item) => item.metadata.name)}`),
    applied: (item: KubeObject) => void log.push(`applied ${item.metadata.name}`),
    deleted: (item: KubeObject) => void log.push(`deleted ${item.metadata.name}`),
    failed: ({ error, attempt, retryInMs }: { error: Error; attempt: number; retryInMs: number }) =>
      void log.push(`failed ${attempt} ${retryInMs} ${error.message}`),
    recovered: () => void log.push('recovered'),
  };
  return { source, sink, log };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const deps = {
  random: () => 1,
  after: (ms: number, callback: () => void) => {
    if (ms > 100_000) return () => {};
    const handle = setImmediate(callback);
    return () => clearImmediate(handle);
  },
};

test('a watch that ends is resumed from the last version seen', async () => {
  const { source, sink, log } = scripted(
    [[object('a', '1')]],
    [
      [
        { type: 'MODIFIED', object: object('a', '101') },
        { type: 'BOOKMARK', object: object('', '150') },
      ],
      'hold',
    ],
  );
  const reflector = startReflector(source, sink, deps);
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['reset a', 'watch 100', 'applied a', 'watch 150']);
});

test('410 in the stream lists again and resets', async () => {
  const gone = { type: 'ERROR', object: { code: 410, reason: 'Expired', metadata: {} } } as unknown as WatchEvent;
  const { source, sink, log } = scripted([[object('a', '1')], [object('b', '2')]], [[gone], 'hold']);
  const reflector = startReflector(source, sink, deps);
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['reset a', 'watch 100', 'reset b', 'watch 200']);
});

test('410 as the answer to the watch lists again', async () => {
  const { source, sink, log } = scripted([[], []], [[ApiError.of(410, 'Expired', 'too old')], 'hold']);
  const reflector = startReflector(source, sink, deps);
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['reset ', 'watch 100', 'reset ', 'watch 200']);
});

test('404 as the answer to the watch lists again after a pause, since what is served may have changed', async () => {
  const { source, sink, log } = scripted([[], []], [[ApiError.of(404, 'NotFound', 'not served')], 'hold']);
  const reflector = startReflector(source, sink, deps);
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['reset ', 'watch 100', 'failed 1 200 not served', 'reset ', 'recovered', 'watch 200']);
});

for (const [what, error, waits] of [
  ['no server', new Error('down'), [200, 400, 800, 1600, 3200, 5000, 5000, 5000]],
  ['a refusal', ApiError.of(403, 'Forbidden', 'no'), [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]],
] as const)
  test(`failures back off, doubling to the cap that there is for ${what}, and never give up`, async () => {
    const { source, sink, log } = scripted([...waits.map(() => error), []], ['hold']);
    const reflector = startReflector(source, sink, deps);
    for (let turn = 0; turn < 20; turn += 1) await settle();
    reflector.stop();
    assert.deepEqual(
      log.filter((line) => line.startsWith('failed')).map((line) => Number(line.split(' ')[2])),
      waits,
    );
    assert.deepEqual(log.slice(-3), ['reset ', 'recovered', 'watch 100']);
  });

test('a sink that throws gets the full set again instead of a gap', async () => {
  const { source, sink, log } = scripted(
    [[], [object('a', '1')]],
    [[{ type: 'ADDED', object: object('a', '101') }], 'hold'],
  );
  const reflector = startReflector(
    source,
    {
      ...sink,
      applied: () => {
        throw new Error('sink broke');
      },
    },
    deps,
  );
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['reset ', 'watch 100', 'failed 1 200 sink broke', 'reset a', 'recovered', 'watch 200']);
});

test('after a fault in what was sent, only a watch that goes on shows that all is well', async () => {
  const fault = new AnswerFault('InvalidAnswer', 'no name');
  const { source, sink, log } = scripted([[], [], []], [[fault], [fault], 'hold']);
  let acquit = (): void => {};
  const reflector = startReflector(source, sink, {
    ...deps,
    after: (ms, callback) => {
      if (ms !== LIMITS.probationMs) return deps.after(ms, callback);
      acquit = callback;
      return () => {};
    },
  });
  for (let turn = 0; turn < 4; turn += 1) await settle();
  const failed = ['failed 1 200 no name', 'failed 2 400 no name'];
  const wanted = ['reset ', 'watch 100', failed[0], 'reset ', 'watch 200', failed[1], 'reset ', 'watch 300'];
  assert.deepEqual(log, wanted);
  acquit();
  assert.deepEqual(log, [...wanted, 'recovered']);
  reflector.stop();
});

test('a set that the sink could not take is listed again, and not watched from', async () => {
  const { source, sink, log } = scripted([[object('a', '1')], [object('a', '1')]], ['hold']);
  let isBroken = true;
  const reflector = startReflector(
    source,
    {
      ...sink,
      reset: (items) => {
        if (isBroken) {
          isBroken = false;
          throw new Error('sink broke');
        }
        sink.reset(items);
      },
    },
    deps,
  );
  await settle();
  reflector.stop();
  assert.deepEqual(log, ['failed 1 200 sink broke', 'reset a', 'recovered', 'watch 200']);
});

test('versions that are too old at once, and watches that end at once, are tried again with growing pauses', async () => {
  const gone = ApiError.of(410, 'Expired', 'too old');
  const old = scripted([[], [], [], [], []], [[gone], [gone], [gone], [gone], 'hold']);
  const one = startReflector(old.source, old.sink, deps);
  for (let turn = 0; turn < 4; turn += 1) await settle();
  one.stop();
  assert.deepEqual(
    old.log.filter((line) => line.startsWith('failed')),
    ['failed 1 200 too old', 'failed 2 400 too old', 'failed 3 800 too old'],
  );
  const pauses: number[] = [];
  const short = scripted([[]], [[], [], [], 'hold']);
  const two = startReflector(short.source, short.sink, {
    ...deps,
    after: (ms, callback) => {
      if (ms === LIMITS.watchMsMin) return () => {};
      if (ms < 100_000) pauses.push(ms);
      return deps.after(ms, callback);
    },
  });
  for (let turn = 0; turn < 4; turn += 1) await settle();
  two.stop();
  assert.deepEqual(pauses, [200, 400, 800]);
});
