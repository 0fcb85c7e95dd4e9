import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, FakeKubeClient } from '#kube/client';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { LINKS, type Link, type LinkStatus } from '../link/index.ts';
import { LIMITS } from './limits.ts';
import { Links } from './links.ts';

const NAMESPACE = 'linkerd-multicluster';

const link = (name: string, cluster: string, more: { second?: number; status?: LinkStatus } = {}): Link => ({
  metadata: { name, namespace: NAMESPACE, creationTimestamp: `2026-01-01T00:00:0${more.second ?? 0}Z` },
  spec: { targetClusterName: cluster },
  ...(more.status && { status: more.status }),
});

async function setUp(...links: Link[]) {
  const client = new FakeKubeClient().seed(LINKS, ...links);
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const log = new FakeLog();
  let changes = 0;
  let reads = 0;
  const counted: Pick<FakeKubeClient, 'get' | 'watch'> = {
    get: (...args) => {
      reads += 1;
      return client.get(...args);
    },
    watch: (...args) => client.watch(...args),
  };
  const changed = (): void => {
    changes += 1;
  };
  const seen = new Links({ client: counted, clock, log: log.log, changed }, { namespace: NAMESPACE, own: 'east' });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  /** What the work brings: how many Links were read, and how often something changed. */
  const during = async (work: () => unknown): Promise<{ reads: number; changes: number }> => {
    const before = { reads, changes };
    await work();
    await turns();
    return { reads: reads - before.reads, changes: changes - before.changes };
  };
  const say = (name: string, status: LinkStatus) => () =>
    client.patch(LINKS, { name, namespace: NAMESPACE }, { type: 'merge', body: { status }, subresource: 'status' });
  await turns();
  return { client, clock, log, seen, during, say };
}

const SYNCED: LinkStatus = { mirrorServices: [] };

test("others' statuses are not read as they change, but what concerns everybody is within a minute", async () => {
  const { clock, seen, during, say } = await setUp(link('east', 'east'), link('north', 'north'));
  assert.ok(seen.known);
  assert.deepEqual(await during(say('north', SYNCED)), { reads: 0, changes: 0 });
  assert.deepEqual(await during(say('north', { podNetworks: ['10.2.0.0/16'] })), { reads: 0, changes: 0 });
  assert.deepEqual(await during(() => clock.advance(LIMITS.otherLinkMs)), { reads: 1, changes: 1 });
  assert.deepEqual(seen.otherNetworks(), [{ cluster: 'north', networks: ['10.2.0.0/16'] }]);
  assert.deepEqual(await during(() => clock.advance(10 * LIMITS.otherLinkMs)), { reads: 0, changes: 0 });
  seen.stop();
});

test('another Link that comes, names another cluster or goes is known at once', async () => {
  const { client, seen, during } = await setUp(link('east', 'east', { second: 1 }));
  assert.equal(seen.holderOf('east'), 'east');
  assert.ok((await during(() => client.seed(LINKS, link('older', 'east')))).changes > 0);
  assert.equal(seen.holderOf('east'), 'older');
  const spec = { targetClusterName: 'south' };
  const ref = { name: 'older', namespace: NAMESPACE };
  assert.ok((await during(() => client.patch(LINKS, ref, { type: 'merge', body: { spec } }))).changes > 0);
  assert.equal(seen.holderOf('east'), 'east');
  assert.deepEqual([...seen.linkedAt().keys()].sort(), ['east', 'south']);
  assert.ok((await during(() => client.delete(LINKS, ref))).changes > 0);
  assert.equal(seen.holderOf('south'), undefined);
  seen.stop();
});

test('a Link that cannot be read counts as what its name says until it can', async () => {
  const { client, clock, log, seen, during } = await setUp(link('east', 'east'));
  client.refuse = (verb) => (verb === 'get' ? ApiError.of(500, 'InternalError', 'not now') : undefined);
  await during(() => client.seed(LINKS, link('north', 'arctic')));
  assert.ok(seen.known);
  assert.equal(seen.holderOf('north'), 'north');
  assert.equal(log.lines.filter((line) => line.includes('cannot read a link')).length, 1);
  client.refuse = undefined;
  await during(() => clock.advance(LIMITS.otherLinkMs));
  assert.equal(seen.holderOf('arctic'), 'north');
  assert.equal(seen.holderOf('north'), undefined);
  seen.stop();
});

test('many Links are read a few at a time, and one that changes meanwhile once more', async () => {
  const names = Array.from({ length: 10 }, (_, i) => `north-${i}`);
  const client = new FakeKubeClient().seed(LINKS, ...names.map((name) => link(name, name)));
  let most = 0;
  const answers: (() => void)[] = [];
  let under = 0;
  const slow: Pick<FakeKubeClient, 'get' | 'watch'> = {
    async get(...args) {
      under += 1;
      most = Math.max(most, under);
      await new Promise<void>((resolve) => answers.push(resolve));
      under -= 1;
      return client.get(...args);
    },
    watch: (...args) => client.watch(...args),
  };
  const { log } = new FakeLog();
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const seen = new Links({ client: slow, clock, log, changed: () => {} }, { namespace: NAMESPACE });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  await turns();
  const spec = { targetClusterName: 'south' };
  await client.patch(LINKS, { name: 'north-0', namespace: NAMESPACE }, { type: 'merge', body: { spec } });
  let reads = 0;
  for (let answer = answers.shift(); answer; answer = answers.shift()) {
    reads += 1;
    answer();
    await turns();
  }
  assert.equal(most, LIMITS.linkReadsAtOnce);
  assert.equal(reads, names.length + 1);
  assert.ok(seen.known);
  assert.equal(seen.holderOf('south'), 'north-0');
  seen.stop();
});
