/** A fake-nodes cluster as programs on kube-rs use it. */
import { after, before, test } from 'node:test';
import { rustClientPath } from '../../tools/clients.mjs';
import { type FakeNodesCluster, startFakeNodesCluster } from '../kubernetes/cluster.ts';
import { assertAllAsked, assertPassed, type Checks, runChecks } from './checks.ts';

const NAMES = [
  'a watcher that lists in pages sees all objects and their changes',
  'a watcher that streams its list sees the same',
  'a watcher of metadata sees no more than that',
  "a reflector's store is what the server has",
  'a watch ends in time, with a bookmark that it can go on from',
  'applied fields conflict between managers unless forced, and equal ones are shared',
  'a lease is applied only where there is none when its revision says so',
  'groups and kinds are discovered, one group alone as well',
  'pages of a list join, and errors have their reasons',
  'a controller reconciles its kind: a definition by derive, owned objects, status, events and a finalizer',
];

let cluster: FakeNodesCluster;
let checks: Checks;
before(async () => {
  cluster = await startFakeNodesCluster();
  checks = await runChecks(rustClientPath(), [], cluster.kubeconfig);
});
after(() => cluster.close());

for (const name of NAMES) test(name, () => assertPassed(checks, name));
test('nothing was checked that is not listed here', () => assertAllAsked(checks, NAMES));
