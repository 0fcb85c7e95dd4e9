/** A fake-nodes cluster as programs on client-go and controller-runtime use it. */
import { after, before, describe, test } from 'node:test';
import { goClientsPath } from '../../tools/clients.mjs';
import { type FakeNodesCluster, startFakeNodesCluster } from '../kubernetes/cluster.ts';
import { assertAllAsked, assertPassed, type Checks, runChecks } from './checks.ts';

const CLIENT_GO = [
  'typed informers sync on no objects and on many, and follow changes',
  'an informer that lists and watches instead of streaming its list sees the same',
  'dynamic and metadata informers sync and follow',
  'a list comes in pages that agree with its first revision',
  'resourceVersionMatch is honoured, and refused where it makes no sense',
  'a watch gets bookmarks before it ends in time',
  'a watch from a revision gets what came after it, in order',
  'a watch from a revision of the future is told to wait',
  'objects that enter and leave a selector are added and deleted for its watch',
  'field selectors choose by name, node, phase and type, and unknown ones are refused',
  'tables have columns and rows, with whole objects on demand, in watches too',
  'a retrying watch goes on where it stopped',
  'names are generated, and what the server sets is set',
  'racing updates conflict, and trying again succeeds for each',
  'a dry run answers as the write would and leaves no trace',
  'applied fields have owners, conflicts name them, and force takes fields over',
  'applying less removes what was applied, and the same again changes nothing',
  'an extracted configuration is what its manager applied',
  'status has an endpoint, a generation and owners of its own',
  'scale is read and written, and refused where the revision is old',
  'patches of each type do what they say, and a failed test changes nothing',
  'unknown fields are told or refused as the client asks',
  'deletion propagates in the foreground, the background, or not at all',
  'finalizers hold an object, and preconditions protect another',
  'a collection is deleted by selector',
  'evictions are refused while a budget forbids them',
  'one of two candidates leads, and the other follows when it leaves',
  'events of both groups are recorded and counted',
  'invalid objects name every cause with its field',
  'aggregated and old discovery tell the same',
  'a definition is discovered, mapped and served at once, and gone when it is',
  'OpenAPI documents are there in version 3 and, as protobuf, in version 2',
  'the server tells a version that clients can read',
  'a token for an account is issued, reviewed for its audiences, and works',
  'access is granted by roles, and reviews tell it',
  'whoever impersonates is somebody else',
];

const CONTROLLER_RUNTIME = [
  'a manager reconciles through its cache: owned objects, status, events and finalizers',
  'a second manager takes the lead when the first one ends',
  'webhooks of a manager change and refuse what is written',
];

let cluster: FakeNodesCluster;
before(async () => {
  cluster = await startFakeNodesCluster();
});
after(() => cluster.close());

for (const [suite, names] of [
  ['client-go', CLIENT_GO],
  ['controller-runtime', CONTROLLER_RUNTIME],
] as const)
  describe(suite, () => {
    let checks: Checks;
    before(async () => {
      checks = await runChecks(goClientsPath(), [suite], cluster.kubeconfig);
    });
    for (const name of names) test(name, () => assertPassed(checks, name));
    test('nothing was checked that is not listed here', () => assertAllAsked(checks, names));
  });
