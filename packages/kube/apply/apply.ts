import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '#api/kube';
import { ApiError, type KubeClient } from '../client/index.ts';
import { resourceOf, type ServedKind } from './served-kind.ts';

export interface ApplyOptions {
  /** Owner of the applied fields. */
  fieldManager: string;
  /** Namespace of namespaced objects that name none. Default `default`. */
  namespace?: string;
  /** How long a kind whose definition was just applied may take until it is served. Default 10 s. */
  kindWaitMs?: number;
  signal?: AbortSignal;
  applied?(object: KubeObject): void;
}

const KIND_RETRY_MS = 100;

/**
 * Applies objects one after another, as `kubectl apply --server-side --force-conflicts -f -` would. Rejects at the first that
 * the cluster refuses, naming it; what came before stays applied, and applying all again is safe.
 */
export async function applyAll(
  client: KubeClient,
  objects: readonly KubeObject[],
  options: ApplyOptions,
): Promise<void> {
  const served = new Map<string, ServedKind>();
  for (const object of objects) {
    options.signal?.throwIfAborted();
    const key = `${object.apiVersion} ${object.kind}`;
    const kind = served.get(key) ?? (await waitForKind(client, object, options));
    served.set(key, kind);
    const name = object.metadata.name;
    if (!name) throw new Error(`${key}: metadata.name is missing`);
    const namespace = kind.namespaced ? (object.metadata.namespace ?? options.namespace ?? 'default') : undefined;
    try {
      await client.patch(kind.gvr, namespace === undefined ? { name } : { name, namespace }, {
        type: 'apply',
        body: object,
        fieldManager: options.fieldManager,
        force: true,
      });
    } catch (error) {
      const place = namespace === undefined ? name : `${namespace}/${name}`;
      if (!(error instanceof ApiError)) throw new Error(`applying ${object.kind} ${place}`, { cause: error });
      throw new Error(`applying ${object.kind} ${place}: ${error.message}`, { cause: error });
    }
    options.applied?.(object);
  }
}

async function waitForKind(client: KubeClient, object: KubeObject, options: ApplyOptions): Promise<ServedKind> {
  const { apiVersion = '', kind = '' } = object;
  for (let leftMs = options.kindWaitMs ?? 10_000; ; leftMs -= KIND_RETRY_MS) {
    const found = await resourceOf(client, apiVersion, kind);
    if (found) return found;
    if (leftMs <= 0) throw new Error(`the cluster serves no ${kind} in ${apiVersion}; is its definition installed?`);
    await sleep(KIND_RETRY_MS, undefined, options.signal ? { signal: options.signal } : {});
  }
}
