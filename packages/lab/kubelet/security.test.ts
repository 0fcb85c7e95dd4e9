import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_CAPABILITIES, securityOf, setprivArgs } from './security.ts';
import type { BoundPod } from './types.ts';

function security(container: object, podContext?: object, image: { user?: { uid: number; gid: number } } = {}) {
  const pod: BoundPod = {
    metadata: { name: 'p', namespace: 'n' },
    spec: {
      containers: [{ name: 'c', securityContext: container }],
      ...(podContext && { securityContext: podContext }),
    },
  };
  return securityOf(pod, pod.spec.containers[0]!, image);
}

test('root gets the default capabilities, no ambient ones, and no new privileges', () => {
  const found = security({});
  assert.deepEqual(found.capabilities, [...DEFAULT_CAPABILITIES]);
  assert.deepEqual(found.ambient, []);
  assert.equal(found.noNewPrivileges, true);
});

test('another user has what was added by name, as ambient capabilities', () => {
  const found = security({ runAsUser: 65_534, capabilities: { add: ['NET_ADMIN', 'CAP_NET_RAW'], drop: ['ALL'] } });
  assert.deepEqual(found.capabilities, ['net_admin', 'net_raw']);
  assert.deepEqual(found.ambient, ['net_admin', 'net_raw']);
  const args = setprivArgs(found);
  assert.ok(args.includes('--ambient-caps=-all,+net_admin,+net_raw'));
  assert.ok(args.includes('--bounding-set=-all,+net_admin,+net_raw'));
});

test("the container's user wins over the pod's, the pod's over the image's", () => {
  const image = { user: { uid: 3, gid: 3 } };
  assert.equal(security({ runAsUser: 1 }, { runAsUser: 2 }, image).uid, 1);
  assert.equal(security({}, { runAsUser: 2 }, image).uid, 2);
  assert.equal(security({}, undefined, image).uid, 3);
});

test('fsGroup and supplemental groups become groups', () => {
  assert.deepEqual(security({}, { fsGroup: 7, supplementalGroups: [8] }).groups, [8, 7]);
});

test('runAsNonRoot refuses user zero', () => {
  assert.throws(() => security({ runAsNonRoot: true }), /image will run as root/);
  assert.throws(() => security({ runAsNonRoot: true, runAsUser: 0 }), /breaks non-root policy/);
  assert.equal(security({ runAsNonRoot: true, runAsUser: 5 }).uid, 5);
});
