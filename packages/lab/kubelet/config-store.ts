import { CONFIG_MAPS, type ConfigMap, type Gvr, SECRETS, SERVICES, type Secret, type Service } from '#api/kube';
import { type Caches, refOf } from '../reconcile/index.ts';
import type { ConfigReader } from './env.ts';

const SOURCES = [
  ['configmap', CONFIG_MAPS],
  ['secret', SECRETS],
] as const;

/** The cluster's ConfigMaps, Secrets and Services as the kubelets of one cluster read them: one watch each. */
export class ConfigStore implements ConfigReader {
  private readonly caches: Caches;

  constructor(caches: Caches) {
    this.caches = caches;
    for (const gvr of [CONFIG_MAPS, SECRETS, SERVICES]) caches.of(gvr);
  }

  configMap(namespace: string, name: string): ConfigMap | undefined {
    return this.caches.of<ConfigMap>(CONFIG_MAPS).get(name, namespace);
  }

  secret(namespace: string, name: string): Secret | undefined {
    return this.caches.of<Secret>(SECRETS).get(name, namespace);
  }

  services(namespace: string): readonly Service[] {
    return this.caches.of<Service>(SERVICES).list(namespace);
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
