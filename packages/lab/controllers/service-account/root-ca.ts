import { CONFIG_MAPS, NAMESPACES } from '#api/kube';
import type { ConfigMap, Namespace } from '../../kinds/index.ts';
import { type Controller, NOTHING } from '../../reconcile/index.ts';

const NAME = 'kube-root-ca.crt';
const KEY = 'ca.crt';

export interface RootCaObserved {
  namespace: string;
  current: ConfigMap | undefined;
}

/** Keeps ConfigMap `kube-root-ca.crt` with the API server's CA (PEM) in each namespace; pods mount it beside their token. */
export function rootCaController(caPem: string): Controller<RootCaObserved> {
  return {
    name: 'root-ca-certificate-publisher',
    triggers: [
      { gvr: NAMESPACES, keys: ({ now }) => (now ? [now.metadata.name ?? ''] : []) },
      {
        gvr: CONFIG_MAPS,
        keys({ now, old }) {
          const { name, namespace = '' } = (now ?? old)?.metadata ?? {};
          return name === NAME ? [namespace] : [];
        },
      },
    ],
    observe(namespace, caches) {
      const found = caches.of<Namespace>(NAMESPACES).get(namespace);
      if (!found || found.metadata.deletionTimestamp) return undefined;
      return { namespace, current: caches.of<ConfigMap>(CONFIG_MAPS).get(NAME, namespace) };
    },
    reconcile({ namespace, current }) {
      const data = { [KEY]: caPem };
      if (!current) {
        const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace }, data };
        return { writes: [{ verb: 'create', gvr: CONFIG_MAPS, object }] };
      }
      const isCurrent = current.data?.[KEY] === caPem && Object.keys(current.data).length === 1;
      return isCurrent ? NOTHING : { writes: [{ verb: 'update', gvr: CONFIG_MAPS, object: { ...current, data } }] };
    },
  };
}
