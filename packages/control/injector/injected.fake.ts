/** Injection as tests ask for it. */
import assert from 'node:assert/strict';
import type { ObjectMeta, Pod, PodSpec } from '#api/kube';
import type { JsonPatchOperation } from '#kube/webhook';
import { injectPod } from './index.ts';
import { valuesOf } from './values.fake.ts';

export type Body = { metadata?: ObjectMeta; spec?: Partial<PodSpec> };
const podOf = ({ metadata, spec }: Body = {}): Pod & { spec: PodSpec } => ({
  metadata: { name: 'web-1', namespace: 'shop', ...metadata },
  spec: { containers: [{ name: 'app', image: 'web', ports: [{ name: 'http', containerPort: 8080 }] }], ...spec },
});
/** What injection makes of a pod in namespace shop, which asks for proxies unless told otherwise. */
export const inject = (
  body: Body = {},
  options: { namespace?: Record<string, string>; values?: object; owner?: { kind: string; name: string } } = {},
) =>
  injectPod({
    values: valuesOf(options.values),
    pod: podOf(body),
    namespace: { name: 'shop', annotations: options.namespace ?? { 'linkerd.io/inject': 'enabled' } },
    controlPlaneNamespace: 'linkerd',
    createdBy: 'linkerd/proxy-injector test',
    ...(options.owner && { owner: options.owner }),
  });

/** Applies `add` operations as RFC 6902 does. */
function apply<T>(object: T, patch: readonly JsonPatchOperation[]): T {
  const copy = structuredClone(object);
  for (const { op, path, value } of patch) {
    assert.equal(op, 'add');
    const keys = path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    // biome-ignore lint/suspicious/noExplicitAny: a walk through JSON
    const parent = keys.reduce((at: any, key) => at[key], copy);
    assert.ok(parent, `${path}: the parent exists`);
    if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(value));
    else parent[last] = structuredClone(value);
  }
  return copy;
}

/** The pod as it is created, with what tests look at. */
export function injected(body: Body = {}, options: Parameters<typeof inject>[1] = {}) {
  const result = inject(body, options);
  assert.ok(result.inject, JSON.stringify(result));
  const pod = apply(podOf(body), result.patch);
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const proxy = all.find(({ name }) => name === 'linkerd-proxy') ?? assert.fail('no proxy');
  const init = all.find(({ name }) => name === 'linkerd-init');
  const env = (name: string) =>
    proxy.env?.find((each) => each.name === (name.startsWith('_') ? name : `LINKERD2_PROXY_${name}`))?.value;
  return { pod, proxy, init, env, result };
}
