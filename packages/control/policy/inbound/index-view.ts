/** Everything that decides about inbound traffic: a fold of watches, and who is told of changes. */
import type { Gvr, KubeObject } from '#api/kube';
import { LABELS, type WorkloadToken } from '#model/names';
import { Collection, keyOf, type Listener, Topics, type Watched } from '../../fold/index.ts';
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

/** Called for an object that does not say what it must: what was last read of it stays. */
export type Skipped = (resource: string, key: string) => void;

export class InboundView {
  readonly #topics = new Topics();
  readonly #pods: Collection<SubjectRecord>;
  readonly #workloads: Collection<SubjectRecord>;
  readonly #servers: Collection<ServerRecord>;
  readonly #serverAuthorizations: Collection<ServerAuthorizationRecord>;
  readonly #policies: Collection<AuthorizationPolicyRecord>;
  readonly #meshTls: Collection<MeshTlsRecord>;
  readonly #networks: Collection<readonly NetworkMatch[]>;
  /** What has to be watched for it. */
  readonly watched: readonly Watched[];

  constructor(skipped: Skipped) {
    const watched: Watched[] = [];
    const watch = <R>(
      gvr: Gvr,
      read: (object: KubeObject) => R | undefined,
      changed: (key: string) => void,
      labelSelector?: string,
    ): Collection<R> => {
      const collection = new Collection<R>((object, old) => {
        const record = read(object);
        if (record === undefined) skipped(gvr.resource, keyOf(object.metadata.namespace, object.metadata.name));
        return record ?? old;
      }, changed);
      watched.push({ gvr, collection, ...(labelSelector && { labelSelector }) });
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
    this.watched = watched;
  }

  /** Calls back after changes of what decides about this workload. */
  onSubject(token: WorkloadToken, listener: Listener): () => void {
    return this.#topics.subscribe(`${token.kind}:${keyOf(token.namespace, token.name)}`, token.namespace, listener);
  }

  subject(token: WorkloadToken): SubjectRecord | undefined {
    const { records } = token.kind === 'pod' ? this.#pods : this.#workloads;
    return records.get(keyOf(token.namespace, token.name));
  }
  server(key: string): ServerRecord | undefined {
    return this.#servers.records.get(key);
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
