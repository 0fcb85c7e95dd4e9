import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyObject, ManagedFieldsEntry } from '#api/kube';
import { decodeFieldsV1, type FieldSet, isEmpty, pathsOf, printPath, union } from './field-set.ts';
import { keepOwnerTimes, PatchError, serverSideApply, trackUpdate } from './index.ts';
import { equalJson } from './json.ts';
import { CONFIG_MAP, DEPLOYMENT } from './schema.fake.ts';

const T1 = '2024-01-01T00:00:01Z';
const T2 = '2024-01-01T00:00:02Z';
const CONFIG_MAP_GVK = { group: '', version: 'v1', kind: 'ConfigMap' };
const DEPLOYMENT_GVK = { group: 'apps', version: 'v1', kind: 'Deployment' };

const configMap = (data: Record<string, unknown> | undefined, metadata: Record<string, unknown> = {}): AnyObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'default', ...metadata },
  ...(data ? { data } : {}),
});

const deployment = (podSpec: unknown, spec: Record<string, unknown> = {}): AnyObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: { ...spec, template: { spec: podSpec } },
});

type How = { manager: string; force?: boolean; nowIso?: string; subresource?: string };

const applyAs = (
  live: AnyObject | undefined,
  config: AnyObject,
  { manager, force = false, nowIso = T1, ...rest }: How,
) =>
  serverSideApply(live, config, {
    manager,
    force,
    nowIso,
    schema: config.kind === 'ConfigMap' ? CONFIG_MAP : DEPLOYMENT,
    gvk: config.kind === 'ConfigMap' ? CONFIG_MAP_GVK : DEPLOYMENT_GVK,
    ...rest,
  });

const update = (old: AnyObject | undefined, object: AnyObject, manager: string, nowIso = T1, subresource?: string) =>
  trackUpdate(old, object, {
    manager,
    nowIso,
    schema: object.kind === 'ConfigMap' ? CONFIG_MAP : DEPLOYMENT,
    apiVersion: object.apiVersion ?? '',
    ...(subresource ? { subresource } : {}),
  });

/** `{manager: ['.data.a']}`, operations left out. */
function owners(object: AnyObject): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const entry of object.metadata.managedFields ?? [])
    out[entry.manager ?? ''] = pathsOf(decodeFieldsV1(entry.fieldsV1)).map(printPath);
  return out;
}

const entryOf = (object: AnyObject, manager: string): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager);

function failure(run: () => unknown): PatchError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PatchError, String(error));
    return error;
  }
  throw new Error('expected a PatchError');
}

test('creates an object and records the fields that the manager stated', () => {
  const { object, changed } = applyAs(undefined, configMap({ a: '1' }, { labels: { x: 'y' } }), { manager: 'm1' });
  assert.equal(changed, true);
  assert.deepEqual(object.metadata.managedFields, [
    {
      manager: 'm1',
      operation: 'Apply',
      apiVersion: 'v1',
      time: T1,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } },
    },
  ]);
});

test('spells list keys as sorted JSON with the defaults of absent keys', () => {
  const config = deployment({ containers: [{ name: 'app', ports: [{ containerPort: 80 }] }] });
  const { object } = applyAs(undefined, config, { manager: 'm1' });
  assert.deepEqual(entryOf(object, 'm1')?.fieldsV1, {
    'f:spec': {
      'f:template': {
        'f:spec': {
          'f:containers': {
            'k:{"name":"app"}': {
              '.': {},
              'f:name': {},
              'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
            },
          },
        },
      },
    },
  });
});

test('a second manager may state other fields, and equal values are shared', () => {
  const first = applyAs(undefined, configMap({ a: '1' }), { manager: 'm1' }).object;
  const both = applyAs(first, configMap({ a: '1', b: '2' }), { manager: 'm2' }).object;
  assert.deepEqual(both['data'], { a: '1', b: '2' });
  assert.deepEqual(owners(both), { m1: ['.data.a'], m2: ['.data.a', '.data.b'] });
});

test('a differing value is a conflict with the exact texts', () => {
  const first = applyAs(undefined, configMap({ a: '1', b: '1' }), { manager: 'm1' }).object;
  const one = failure(() => applyAs(first, configMap({ a: '2' }), { manager: 'm2' }));
  assert.equal(one.message, 'Apply failed with 1 conflict: conflict with "m1": .data.a');
  assert.equal(one.status.code, 409);
  assert.equal(one.status.reason, 'Conflict');
  assert.deepEqual(one.status.details?.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.data.a' },
  ]);
  const two = failure(() => applyAs(first, configMap({ a: '2', b: '2' }), { manager: 'm2' }));
  assert.equal(two.message, 'Apply failed with 2 conflicts: conflicts with "m1":\n- .data.a\n- .data.b');
});

test('conflicts with updaters name their version and subresource', () => {
  const created = update(undefined, configMap({ a: '1' }), 'curl');
  assert.equal(
    failure(() => applyAs(created, configMap({ a: '2' }), { manager: 'm' })).message,
    'Apply failed with 1 conflict: conflict with "curl" using v1: .data.a',
  );
});

test('force takes the field and leaves the rest to the other manager', () => {
  const first = applyAs(undefined, configMap({ a: '1', b: '1' }), { manager: 'm1' }).object;
  const forced = applyAs(first, configMap({ a: '2' }), { manager: 'm2', force: true, nowIso: T2 }).object;
  assert.deepEqual(forced['data'], { a: '2', b: '1' });
  assert.deepEqual(owners(forced), { m1: ['.data.b'], m2: ['.data.a'] });
});

test('a field that its only owner no longer states goes, a shared one stays', () => {
  const first = applyAs(undefined, configMap({ a: '1', b: '1' }), { manager: 'm1' }).object;
  const shared = applyAs(first, configMap({ b: '1' }), { manager: 'm2' }).object;
  const { object } = applyAs(shared, configMap({}), { manager: 'm1', nowIso: T2 });
  assert.deepEqual(object['data'], { b: '1' });
  assert.deepEqual(owners(object), { m1: ['.data'], m2: ['.data.b'] });
});

test('list items come and go with their owners', () => {
  const app = { name: 'app', image: 'a' };
  const first = applyAs(undefined, deployment({ containers: [app] }), { manager: 'm1' }).object;
  const second = applyAs(first, deployment({ containers: [{ name: 'proxy', image: 'p' }] }), { manager: 'm2' }).object;
  assert.deepEqual(second['spec'], { template: { spec: { containers: [app, { name: 'proxy', image: 'p' }] } } });
  const gone = applyAs(second, deployment({ containers: [app] }), { manager: 'm2' }).object;
  assert.deepEqual(gone['spec'], { template: { spec: { containers: [app] } } });
});

test('atomic lists and maps change hands whole', () => {
  const first = applyAs(undefined, deployment({ nodeSelector: { a: '1' }, tolerations: [{ key: 'a' }] }), {
    manager: 'm1',
  });
  const clash = failure(() => applyAs(first.object, deployment({ nodeSelector: { b: '1' } }), { manager: 'm2' }));
  assert.match(clash.message, /\.spec\.template\.spec\.nodeSelector$/);
  const forced = applyAs(first.object, deployment({ nodeSelector: { b: '1' } }), { manager: 'm2', force: true });
  assert.deepEqual(forced.object['spec'], {
    template: { spec: { nodeSelector: { b: '1' }, tolerations: [{ key: 'a' }] } },
  });
});

test('keeps an empty map that the manager states after it stated more', () => {
  const volume = (emptyDir: unknown) => deployment({ volumes: [{ name: 'v', emptyDir }] });
  const first = applyAs(undefined, volume({ sizeLimit: '1Mi' }), { manager: 'm1' }).object;
  const second = applyAs(first, volume({}), { manager: 'm1' }).object;
  assert.deepEqual(second['spec'], volume({})['spec']);
});

test('an update takes the changed fields from everyone', () => {
  const first = applyAs(undefined, configMap({ a: '1', b: '1' }), { manager: 'm1' }).object;
  const updated = update(first, { ...first, data: { a: '2', b: '1', c: '3' } }, 'curl', T2);
  assert.deepEqual(owners(updated), { m1: ['.data.b'], curl: ['.data.a', '.data.c'] });
  assert.equal(entryOf(updated, 'curl')?.time, T2);
  assert.equal(entryOf(updated, 'm1')?.time, T1);
});

test('a write through status owns only status, the main endpoint never does', () => {
  const created = update(undefined, { ...deployment({}), status: { replicas: 9 } } as AnyObject, 'kubectl');
  assert.ok(!owners(created)['kubectl']?.some((path) => path.startsWith('.status')));
  const status = update(created, { ...created, status: { replicas: 1 } }, 'controller', T2, 'status');
  const entry = entryOf(status, 'controller');
  assert.equal(entry?.subresource, 'status');
  assert.deepEqual(owners(status)['controller'], ['.status.replicas']);
});

test('an object without owners gets before-first-apply', () => {
  const untracked = configMap({ a: '1' }, { uid: 'u' });
  const same = applyAs(untracked, configMap({ a: '1' }), { manager: 'm1' }).object;
  assert.deepEqual(owners(same), { m1: ['.data.a'], 'before-first-apply': ['.data', '.data.a'] });
  assert.equal(
    failure(() => applyAs(untracked, configMap({ a: '2' }), { manager: 'm1' })).message,
    'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
  );
});

test('an object that was never tracked stays so on update', () => {
  const untracked = configMap({ a: '1' }, { uid: 'u' });
  assert.equal(update(untracked, configMap({ a: '2' }, { uid: 'u' }), 'curl').metadata.managedFields, undefined);
});

test('folds the oldest updaters beyond ten into ancient-changes', () => {
  let object = update(undefined, configMap({}), 'creator');
  for (let i = 0; i < 14; i++) {
    const data = { ...(object['data'] as object), [`k${i}`]: 'x' };
    object = update(object, { ...object, data }, `m${i}`, `2024-01-01T00:00:${10 + i}Z`);
  }
  const names = Object.keys(owners(object));
  assert.equal(names.length, 10);
  assert.ok(names.includes('ancient-changes') && names.includes('m13') && !names.includes('m0'));
  assert.ok(owners(object)['ancient-changes']?.includes('.data.k0'));
});

test('resets on [{}] and ignores malformed entries', () => {
  const first = applyAs(undefined, configMap({ a: '1' }, { uid: 'u' }), { manager: 'm1' }).object;
  const reset = update(first, { ...first, metadata: { ...first.metadata, managedFields: [{}] } }, 'curl');
  assert.equal(reset.metadata.managedFields, undefined);
  const broken = [{ manager: 'x', operation: 'Steal' }] as unknown as ManagedFieldsEntry[];
  const kept = update(first, { ...first, metadata: { ...first.metadata, managedFields: broken } }, 'curl');
  assert.deepEqual(owners(kept), { m1: ['.data.a'] });
});

test('a no-op apply keeps the time and says so', () => {
  const first = applyAs(undefined, configMap({ a: '1' }), { manager: 'm1', nowIso: T1 }).object;
  const again = applyAs(first, configMap({ a: '1' }), { manager: 'm1', nowIso: T2 });
  assert.equal(again.changed, false);
  assert.deepEqual(again.object, first);
});

test('times alone are no change', () => {
  const first = applyAs(undefined, configMap({ a: '1' }), { manager: 'm1', nowIso: T1 }).object;
  const entries = first.metadata.managedFields?.map((entry) => ({ ...entry, time: T2 })) ?? [];
  const later = { ...first, metadata: { ...first.metadata, managedFields: entries } };
  assert.equal(entryOf(keepOwnerTimes(first, later), 'm1')?.time, T1);
  const changed = { ...later, data: { a: '2' } };
  assert.equal(entryOf(keepOwnerTimes(first, changed), 'm1')?.time, T2);
});

test('refuses configs of another kind, with managedFields, or outside the schema', () => {
  const typo = { ...configMap({}), foo: 1 } as AnyObject;
  const error = failure(() => applyAs(undefined, typo, { manager: 'm' }));
  assert.equal(error.status.code, 500);
  assert.equal(
    error.message,
    'failed to create typed patch object (default/a; /v1, Kind=ConfigMap): .foo: field not declared in schema',
  );
  const wrong = deployment(
    { containers: [{ name: 'a', image: 1 }, { name: 'a' }, { image: 'x' }] },
    { replicas: 'two' },
  );
  assert.equal(
    failure(() => applyAs(undefined, wrong, { manager: 'm' })).message,
    [
      'failed to create typed patch object (default/d; apps/v1, Kind=Deployment): errors:',
      '  .spec.replicas: expected numeric (int or float), got string',
      '  .spec.template.spec.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:1}',
      '  .spec.template.spec.containers: duplicate entries for key [name="a"]',
      '  .spec.template.spec.containers: element 2: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    ].join('\n'),
  );
  const options = { manager: 'm', force: false, nowIso: T1, schema: CONFIG_MAP, gvk: DEPLOYMENT_GVK };
  assert.equal(
    failure(() => serverSideApply(undefined, configMap({}), options)).message,
    'invalid object type: /v1, Kind=ConfigMap',
  );
  assert.equal(
    failure(() => applyAs(undefined, configMap({}, { managedFields: [] }), { manager: 'm' })).message,
    'metadata.managedFields must be nil',
  );
});

test('kubectl moves from client-side to server-side apply without conflicts of its own making', () => {
  const config = configMap({ a: '1' });
  const annotation = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) };
  const created = update(undefined, configMap({ a: '1' }, { annotations: annotation }), 'kubectl-client-side-apply');
  const { object } = applyAs(created, configMap({ a: '2' }), { manager: 'kubectl', nowIso: T2 });
  assert.deepEqual(object['data'], { a: '2' });
  assert.match(object.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '', /"a":"2"/);
  assert.throws(() => applyAs(created, configMap({ a: '2' }), { manager: 'flux' }), PatchError);
});

const key = fc.constantFrom('a', 'b', 'c', 'd');
const data = fc.dictionary(key, fc.constantFrom('1', '2'), { noNullPrototype: true });
const container = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    image: fc.constantFrom('x', 'y'),
    args: fc.array(fc.constantFrom('1', '2'), { maxLength: 2 }),
    ports: fc.uniqueArray(fc.record({ containerPort: fc.constantFrom(80, 81) }, { noNullPrototype: true }), {
      selector: (port) => port.containerPort,
      maxLength: 2,
    }),
  },
  { requiredKeys: ['name'], noNullPrototype: true },
);
const podSpec = fc.record(
  {
    containers: fc.uniqueArray(container, { selector: (item) => item.name, maxLength: 3 }),
    nodeSelector: data,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const step = fc.record({ spec: podSpec, manager: fc.constantFrom('m1', 'm2', 'm3'), apply: fc.boolean() });
const history = fc.array(step, { minLength: 1, maxLength: 6 });

function play(steps: readonly { spec: unknown; manager: string; apply: boolean }[]): AnyObject | undefined {
  let live: AnyObject | undefined;
  for (const { spec, manager, apply } of steps)
    live = apply
      ? applyAs(live, deployment(spec), { manager, force: true }).object
      : update(live, deployment(spec), manager);
  return live;
}

test('after any history, applying again what one applied changes nothing', () => {
  fc.assert(
    fc.property(history, podSpec, (steps, spec) => {
      const first = applyAs(play(steps), deployment(spec), { manager: 'm1', force: true, nowIso: T1 }).object;
      // Who states nothing but empty lists owns nothing, and counts as never having applied.
      fc.pre(entryOf(first, 'm1') !== undefined);
      const second = applyAs(first, deployment(spec), { manager: 'm1', nowIso: T2 });
      assert.equal(second.changed, false);
      assert.deepEqual(second.object, first);
    }),
  );
});

test('after any history, what was stated last is there', () => {
  fc.assert(
    fc.property(history, podSpec, (steps, spec) => {
      const live = applyAs(play(steps), deployment(spec), { manager: 'm1', force: true }).object;
      const got = (live['spec'] as { template: { spec: typeof spec } }).template.spec;
      for (const wanted of spec.containers ?? []) {
        const found = got.containers?.find((item) => item.name === wanted.name);
        assert.ok(found);
        for (const field of ['image', 'args'] as const)
          if (wanted[field] !== undefined) assert.deepEqual(found[field], wanted[field]);
      }
      if (spec.nodeSelector) assert.deepEqual(got.nodeSelector, spec.nodeSelector);
    }),
  );
});

test('after any history, nobody owns a path that is not there', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const live = play(steps);
      assert.ok(live);
      for (const entry of live.metadata.managedFields ?? []) {
        const set = decodeFieldsV1(entry.fieldsV1);
        assert.ok(!isEmpty(set));
        for (const path of pathsOf(set)) assert.ok(exists(live, path), `${entry.manager} owns ${printPath(path)}`);
      }
    }),
  );
});

test('an update leaves no changed field with an applier who did not write it', () => {
  fc.assert(
    fc.property(data, data, (before, after) => {
      const live = applyAs(undefined, configMap(before), { manager: 'm1' }).object;
      const updated = update(live, { ...live, data: after }, 'curl', T2);
      let all: FieldSet = decodeFieldsV1({});
      for (const entry of updated.metadata.managedFields ?? []) all = union(all, decodeFieldsV1(entry.fieldsV1));
      for (const name of Object.keys(after)) {
        const mine = owners(updated)['m1']?.includes(`.data.${name}`) ?? false;
        assert.equal(mine, equalJson(before[name], after[name]));
        assert.ok(pathsOf(all).some((path) => printPath(path) === `.data.${name}`));
      }
    }),
  );
});

/** Whether the path of field and item steps leads to something. */
function exists(root: unknown, path: readonly string[]): boolean {
  let at: unknown = root;
  for (const element of path) {
    const body = element.slice(2);
    if (element.startsWith('f:')) at = (at as Record<string, unknown> | undefined)?.[body];
    else {
      const keys = Object.entries(JSON.parse(body) as Record<string, unknown>);
      const items = (at ?? []) as Record<string, unknown>[];
      at = items.find((item) => keys.every(([name, value]) => (item[name] ?? 'TCP') === value));
    }
    if (at === undefined) return false;
  }
  return true;
}
