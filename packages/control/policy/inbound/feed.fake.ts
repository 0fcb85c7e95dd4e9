/** A view of inbound policy that is fed by hand. */
import assert from 'node:assert/strict';
import type { KubeObject } from '#api/kube';
import { Routes } from '../routes/index.ts';
import { InboundView } from './view.ts';

/** Resources of Linkerd's group go by their plural, others as `group/plural`. */
export function feed() {
  const skipped: string[] = [];
  const routes: Routes = new Routes(
    (resource, key) => skipped.push(`${resource} ${key}`),
    (_, key) => (view.server(key) ? undefined : 'none'),
  );
  const view = new InboundView(routes, (resource, key) => skipped.push(`${resource} ${key}`));
  const sinks = new Map(
    [...view.watched, ...routes.watched].map(({ gvr, collection }) => [
      `${gvr.group}/${gvr.resource}`,
      collection.sink(
        () => {},
        () => {},
        () => {},
      ),
    ]),
  );
  let version = 0;
  const object = (key: string, body: object): KubeObject => {
    const [namespace, name] = key.split('/') as [string, string];
    const { metadata, ...rest } = body as { metadata?: object };
    version += 1;
    return { metadata: { namespace, name, resourceVersion: String(version), ...metadata }, ...rest } as KubeObject;
  };
  const sinkOf = (resource: string) => {
    const sink = sinks.get(resource.includes('/') ? resource : `policy.linkerd.io/${resource}`);
    assert.ok(sink, resource);
    return sink;
  };
  return {
    view,
    routes,
    skipped,
    object,
    sinkOf,
    put: (resource: string, key: string, body: object) => sinkOf(resource).applied(object(key, body)),
    remove: (resource: string, key: string) => sinkOf(resource).deleted(object(key, {})),
  };
}
/** Long enough for what is told in microtasks. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
