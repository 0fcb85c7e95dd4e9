/** Everything that decides about inbound traffic: a fold of watches, and who is told of changes. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import { LABELS, type WorkloadToken } from '#model/names';
import { Collection, keyOf, type Listener, Topics } from '../../fold/index.ts';
import type { NetworkMatch } from '../networks.ts';
import {
  type AuthorizationPolicyRecord,
  type MeshTlsRecord,
  readAuthorizationPolicy,
  readMeshTls,
  readNetworkAuthentication,
  readPod,
  readServer,
  readServerAuthorization,
  readWorkload,
  type ServerAuthorizationRecord,
  type ServerRecord,
  type SubjectRecord,
} from './records.ts';

const policy = (resource: string, version: string): Gvr => ({ group: 'policy.linkerd.io', version, resource });

export interface WatchObserver {
  failed(resource: string, error: Error): void;
  recovered(resource: string): void;
  /** An object does not say what it must, and is left out. */
  skipped(resource: string, key: string): void;
}

interface Watched {
  gvr: Gvr;
  labelSelector?: string;
  collection: Collection<unknown>;
}

export class InboundView {
  readonly #topics = new Topics();
  readonly #pods: Collection<SubjectRecord>;
  readonly #workloads: Collection<SubjectRecord>;
  readonly #servers: Collection<ServerRecord>;
  readonly #serverAuthorizations: Collection<ServerAuthorizationRecord>;
  readonly #policies: Collection<AuthorizationPolicyRecord>;
  readonly #meshTls: Collection<MeshTlsRecord>;
  readonly #networks: Collection<readonly NetworkMatch[]>;
  readonly #watched: readonly Watched[];

  constructor(skipped: WatchObserver['skipped']) {
    const watched: Watched[] = [];
    const watch = <R>(
      gvr: Gvr,
      read: (object: KubeObject) => R | undefined,
      changed: (key: string) => void,
      labelSelector?: string,
    ): Collection<R> => {
      const collection = new Collection<R>((object) => {
        const record = read(object);
        if (record === undefined) skipped(gvr.resource, keyOf(object.metadata.namespace, object.metadata.name));
        return record;
      }, changed);
      watched.push({ gvr, collection: collection as Collection<unknown>, ...(labelSelector && { labelSelector }) });
      return collection;
    };
    const namespace = (key: string) => this.#topics.touchAll('', key.split('/')[0]);
    // Authentications may be referred to from any namespace.
    const everyone = () => this.#topics.touchAll('');
    this.#pods = watch(
      { group: '', version: 'v1', resource: 'pods' },
      readPod,
      (key) => this.#topics.touch(`pod:${key}`),
      LABELS.controlPlaneNamespace,
    );
    this.#workloads = watch(
      { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' },
      readWorkload,
      (key) => this.#topics.touch(`external-workload:${key}`),
    );
    this.#servers = watch(policy('servers', 'v1beta3'), readServer, namespace);
    this.#serverAuthorizations = watch(policy('serverauthorizations', 'v1beta1'), readServerAuthorization, namespace);
    this.#policies = watch(policy('authorizationpolicies', 'v1alpha1'), readAuthorizationPolicy, namespace);
    this.#meshTls = watch(policy('meshtlsauthentications', 'v1alpha1'), readMeshTls, everyone);
    this.#networks = watch(policy('networkauthentications', 'v1alpha1'), readNetworkAuthentication, everyone);
    this.#watched = watched;
  }

  /** Follows the cluster; `synced` settles when every resource was listed once. */
  start(
    kube: Pick<KubeClient, 'watch'>,
    observer: Omit<WatchObserver, 'skipped'>,
  ): { synced: Promise<void>; stop(): void } {
    const stops: (() => void)[] = [];
    const synced = this.#watched.map(
      ({ gvr, labelSelector, collection }) =>
        new Promise<void>((resolve) => {
          let failing = false;
          const sink = collection.sink(
            resolve,
            ({ error }) => {
              if (!failing) observer.failed(gvr.resource, error);
              failing = true;
            },
            () => {
              failing = false;
              observer.recovered(gvr.resource);
            },
          );
          stops.push(kube.watch(gvr, labelSelector ? { labelSelector } : {}, sink));
        }),
    );
    return {
      synced: Promise.all(synced).then(() => undefined),
      stop: () => {
        for (const stop of stops) stop();
      },
    };
  }

  /** Calls back after changes of what decides about this workload. */
  onSubject(token: WorkloadToken, listener: Listener): () => void {
    return this.#topics.subscribe(`${token.kind}:${keyOf(token.namespace, token.name)}`, token.namespace, listener);
  }

  subject(token: WorkloadToken): SubjectRecord | undefined {
    const { records } = token.kind === 'pod' ? this.#pods : this.#workloads;
    return records.get(keyOf(token.namespace, token.name));
  }
  servers(namespace: string): ServerRecord[] {
    return inNamespace(this.#servers, namespace);
  }
  serverAuthorizations(namespace: string): ServerAuthorizationRecord[] {
    return inNamespace(this.#serverAuthorizations, namespace);
  }
  authorizationPolicies(namespace: string): AuthorizationPolicyRecord[] {
    return inNamespace(this.#policies, namespace);
  }
  meshTlsAuthentication(key: string): MeshTlsRecord | undefined {
    return this.#meshTls.records.get(key);
  }
  networkAuthentication(key: string): readonly NetworkMatch[] | undefined {
    return this.#networks.records.get(key);
  }
}

function inNamespace<R extends { namespace: string }>(collection: Collection<R>, namespace: string): R[] {
  return [...collection.records.values()].filter((record) => record.namespace === namespace);
}
