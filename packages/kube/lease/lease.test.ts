import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { FakeKubeClient } from '../client/index.ts';
import { type ElectionOptions, electLeader } from './lease.ts';

const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };

/** A clock moved by hand. */
function clock() {
  let nowMs = 1_700_000_000_000;
  let timers: { atMs: number; callback: () => void }[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    nowMs: () => nowMs,
    after(ms: number, callback: () => void) {
      const timer = { atMs: nowMs + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    settle,
    async advance(ms: number): Promise<void> {
      for (let step = 0; step < ms; step += 500) {
        nowMs += 500;
        const due = timers.filter((timer) => timer.atMs <= nowMs);
        timers = timers.filter((timer) => timer.atMs > nowMs);
        for (const timer of due) timer.callback();
        await settle();
      }
    },
  };
}

function candidate(
  fake: FakeKubeClient,
  identity: string,
  time: ReturnType<typeof clock>,
  log: string[],
  more: Partial<ElectionOptions> = {},
) {
  return electLeader(
    { client: fake, namespace: 'mc', name: 'write', identity, ...more },
    {
      onStarted(signal) {
        log.push(`${identity} leads`);
        signal.addEventListener('abort', () => log.push(`${identity} stops`));
      },
      onError: (error) => log.push(`${identity} ${error.message}`),
    },
    time,
  );
}
const holder = (fake: FakeKubeClient): unknown =>
  (fake.all<AnyObject>(LEASES)[0]!['spec'] as Record<string, unknown>)['holderIdentity'];

test('the first candidate leads, the second waits until the lease is released', async () => {
  const fake = new FakeKubeClient();
  const time = clock();
  const log: string[] = [];
  const one = candidate(fake, 'one', time, log);
  await time.settle();
  const two = candidate(fake, 'two', time, log);
  await time.advance(60_000);
  assert.deepEqual([log, holder(fake)], [['one leads'], 'one']);
  await one.stop();
  await time.advance(2_500);
  assert.deepEqual(log, ['one leads', 'one stops', 'two leads']);
  await two.stop();
});

test('a lease whose holder died is taken after its duration', async () => {
  const fake = new FakeKubeClient();
  const time = clock();
  const log: string[] = [];
  fake.seed(LEASES, {
    metadata: { namespace: 'mc', name: 'write' },
    spec: { holderIdentity: 'dead', leaseDurationSeconds: 30, leaseTransitions: 4 },
  } as AnyObject);
  const one = candidate(fake, 'one', time, log);
  await time.advance(29_000);
  assert.deepEqual(log, []);
  await time.advance(4_000);
  assert.deepEqual(log, ['one leads']);
  const spec = fake.all<AnyObject>(LEASES)[0]?.['spec'] as Record<string, unknown>;
  assert.equal(spec['leaseTransitions'], 5);
  assert.match(String(spec['renewTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  await one.stop();
});

test('a leader that cannot renew stops before others may start, and leads again later', async () => {
  const fake = new FakeKubeClient();
  const time = clock();
  const log: string[] = [];
  const one = candidate(fake, 'one', time, log);
  await time.settle();
  fake.refuse = () => new Error('no api');
  await time.advance(9_000);
  assert.equal(one.leads(), true);
  await time.advance(3_000);
  assert.equal(one.leads(), false);
  fake.refuse = undefined;
  await time.advance(2_500);
  assert.equal(one.leads(), true);
  assert.deepEqual(
    log.filter((line) => !line.includes('no api')),
    ['one leads', 'one stops', 'one leads'],
  );
  await one.stop();
});

test('a leader whose attempt to renew hangs stops in time, and an answer that comes too late does not make it lead', async () => {
  const fake = new FakeKubeClient();
  const time = clock();
  const log: string[] = [];
  let answer: (() => void) | undefined;
  let hangs = false;
  const client: ElectionOptions['client'] = {
    get: async (...args) => {
      if (hangs)
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return fake.get(...args);
    },
    create: (...args) => fake.create(...args),
    update: (...args) => fake.update(...args),
  };
  const one = candidate(fake, 'one', time, log, { client });
  await time.advance(5_000);
  hangs = true;
  await time.advance(8_000);
  assert.equal(one.leads(), true);
  await time.advance(4_000);
  assert.deepEqual([one.leads(), log], [false, ['one leads', 'one stops']]);
  await time.advance(20_000);
  answer?.();
  await time.settle();
  assert.equal(one.leads(), false);
  hangs = false;
  await time.advance(2_500);
  assert.equal(one.leads(), true);
  await one.stop();
});

test('a new lease has the labels and owners that were asked for, once they are known', async () => {
  const fake = new FakeKubeClient();
  const time = clock();
  const log: string[] = [];
  let known = false;
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'u' }];
  const metadata = async () => {
    if (!known) throw new Error('no such owner');
    return { labels: { of: 'd' }, ownerReferences };
  };
  const one = candidate(fake, 'one', time, log, { metadata });
  await time.advance(2_500);
  known = true;
  await time.advance(2_500);
  assert.deepEqual(log, ['one no such owner', 'one no such owner', 'one leads']);
  const { labels, ownerReferences: owners } = fake.all<AnyObject>(LEASES)[0]!.metadata;
  assert.deepEqual([labels, owners], [{ of: 'd' }, ownerReferences]);
  await one.stop();
});
