import type { ConfigMap, Gvr, Secret, Service } from '#api/kube';
import { GVRS } from '../kinds/index.ts';
import { type Caches, refOf } from '../reconcile/index.ts';
import type { ConfigReader } from './env.ts';

const SOURCES = [
  ['configmap', GVRS.configMaps],
  ['secret', GVRS.secrets],
] as const;

/** The cluster's ConfigMaps, Secrets and Services as the kubelets of one cluster read them: one watch each. */
export class ConfigStore implements ConfigReader {
  private readonly caches: Caches;

  constructor(caches: Caches) {
    this.caches = caches;
    for (const gvr of [GVRS.configMaps, GVRS.secrets, GVRS.services]) caches.of(gvr);
  }

  configMap(namespace: string, name: string): ConfigMap | undefined {
    return this.caches.of<ConfigMap>(GVRS.configMaps).get(name, namespace);
  }

  secret(namespace: string, name: string): Secret | undefined {
    return this.caches.of<Secret>(GVRS.secrets).get(name, namespace);
  }

  services(namespace: string): readonly Service[] {
    return this.caches.of<Service>(GVRS.services).list(namespace);
  }

  /** Calls back with `configmap:ns/name` or `secret:ns/name` for every change. Returns a stop function. */
  onChange(listener: (key: string) => void): () => void {
    const stops = SOURCES.map(([kind, gvr]: readonly [string, Gvr]) =>
      this.caches.subscribe(gvr, ({ now, old }) => {
        const object = now ?? old;
        if (object) listener(`${kind}:${refOf(object)}`);
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }
}
