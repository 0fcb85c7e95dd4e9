import { NAMESPACES, SERVICE_ACCOUNTS } from '#api/kube';
import type { Namespace } from '../../kinds/index.ts';
import { type Controller, NOTHING } from '../../reconcile/index.ts';

const NAME = 'default';

export interface DefaultAccountObserved {
  namespace: string;
  exists: boolean;
}

/** Creates ServiceAccount `default` in each namespace that is not being deleted, again if someone deletes it. */
export const defaultAccountController: Controller<DefaultAccountObserved> = {
  name: 'service-account-controller',
  triggers: [
    { gvr: NAMESPACES, keys: ({ now }) => (now ? [now.metadata.name ?? ''] : []) },
    {
      gvr: SERVICE_ACCOUNTS,
      keys: ({ now, old }) => (!now && old?.metadata.name === NAME ? [old.metadata.namespace ?? ''] : []),
    },
  ],
  observe(namespace, caches) {
    const found = caches.of<Namespace>(NAMESPACES).get(namespace);
    if (!found || found.metadata.deletionTimestamp) return undefined;
    return { namespace, exists: caches.of(SERVICE_ACCOUNTS).get(NAME, namespace) !== undefined };
  },
  reconcile({ namespace, exists }) {
    if (exists) return NOTHING;
    const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME, namespace } };
    return { writes: [{ verb: 'create', gvr: SERVICE_ACCOUNTS, object, tolerate: ['AlreadyExists'] }] };
  },
};
