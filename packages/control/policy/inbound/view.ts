/** Everything that decides about inbound traffic: a fold of watches, and who is told of changes. */
import type { Gvr, KubeObject } from '#api/kube';
import { LABELS, type WorkloadToken } from '#model/names';
import { keyOf, type Listener, type Watched } from '../../fold/index.ts';
import type { RouteRecord, Routes } from '../routes/index.ts';
import { Askers } from './askers.ts';
import {
  type AuthorizationPolicyRecord,
  type MeshTlsRecord,
  type NetworkRecord,
  type ObjectRef,
  readAuthorizationPolicy,
  readMeshTls,
  readNetworkAuthentication,
  readServerAuthorization,
  type ServerAuthorizationRecord,
} from './clients.ts';
import { acceptedRateLimit, type RateLimitRecord, readRateLimit, unreadableRateLimit } from './rate-limits.ts';
import { readServer, type ServerRecord, selectsLabels } from './servers.ts';
import { readPod, readWorkload, type SubjectRecord } from './subjects.ts';
import { byAge, type Index, type Named, type Skipped, type Source, Table } from './table.ts';

const POLICY = 'policy.linkerd.io';
const policy = (resource: string, version: string): Gvr => ({ group: POLICY, version, resource });

const refKey = ({ group, kind, key }: ObjectRef): string => `${group}/${kind}:${key}`;

/** Kinds of objects as metrics name them. */
export type InboundKind =
  | 'authorization_policy'
  | 'external_workload'
  | 'http_local_rate_limit_policy'
  | 'meshtls_authentication'
  | 'network_authentication'
  | 'pod'
  | 'server'
  | 'server_authorization';

export class InboundView {
  readonly #askers = new Askers((token) => this.subject(token));
  readonly #routes: Routes;
  readonly #routeStops = new Map<string, () => void>();
  readonly #pods: Table<SubjectRecord>;
  readonly #workloads: Table<SubjectRecord>;
  readonly #servers: Table<ServerRecord>;
  readonly #serversByPort: Index<ServerRecord>;
  readonly #serverAuthorizations: Table<ServerAuthorizationRecord>;
  /** Those that name their Server. */
  readonly #authorizationsByServer: Index<ServerAuthorizationRecord>;
  /** Those that select Servers by labels, by namespace. */
  readonly #authorizationsByLabels: Index<ServerAuthorizationRecord>;
  readonly #policies: Table<AuthorizationPolicyRecord>;
  readonly #policiesByTarget: Index<AuthorizationPolicyRecord>;
  readonly #policiesByRequired: Index<AuthorizationPolicyRecord>;
  readonly #meshTls: Table<MeshTlsRecord>;
  readonly #networks: Table<NetworkRecord>;
  readonly #rateLimits: Table<RateLimitRecord>;
  readonly #rateLimitsByServer: Index<RateLimitRecord>;
  /** What has to be watched for it. */
  readonly watched: readonly Watched[];

  constructor(routes: Routes, skipped: Skipped) {
    this.#routes = routes;
    const table = <R extends Named>(
      gvr: Gvr,
      read: (object: KubeObject) => R,
      changed: (record: R) => void,
      more: Pick<Source<R>, 'labelSelector' | 'unreadable'> = {},
    ): Table<R> =>
      new Table({ gvr, read, ...more }, skipped, (now, old) => {
        if (old) changed(old);
        if (now) changed(now);
      });
    const subjectChanged = (subject: SubjectRecord) => this.#askers.subjectChanged(subject);
    const pods = { group: '', version: 'v1', resource: 'pods' };
    this.#pods = table(pods, readPod, subjectChanged, { labelSelector: LABELS.controlPlaneNamespace });
    const workloads = { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' };
    this.#workloads = table(workloads, readWorkload, subjectChanged);
    this.#servers = table(policy('servers', 'v1beta3'), readServer, (server) => this.#serverChanged(server));
    this.#serversByPort = this.#servers.index(({ namespace, port }) => [`${namespace}/${port}`]);
    this.#serverAuthorizations = table(
      policy('serverauthorizations', 'v1beta1'),
      readServerAuthorization,
      (authorization) => this.#authorizationChanged(authorization),
    );
    this.#authorizationsByServer = this.#serverAuthorizations.index(({ namespace, server }) =>
      'name' in server ? [keyOf(namespace, server.name)] : [],
    );
    this.#authorizationsByLabels = this.#serverAuthorizations.index(({ namespace, server }) =>
      'labels' in server ? [namespace] : [],
    );
    this.#policies = table(policy('authorizationpolicies', 'v1alpha1'), readAuthorizationPolicy, ({ target }) =>
      this.#targetChanged(target),
    );
    this.#policiesByTarget = this.#policies.index(({ target }) => [refKey(target)]);
    this.#policiesByRequired = this.#policies.index(({ required }) => required.map(refKey));
    this.#meshTls = table(policy('meshtlsauthentications', 'v1alpha1'), readMeshTls, (record) =>
      this.#requiredChanged('meshtlsauthentication', record),
    );
    this.#networks = table(policy('networkauthentications', 'v1alpha1'), readNetworkAuthentication, (record) =>
      this.#requiredChanged('networkauthentication', record),
    );
    this.#rateLimits = table(
      policy('httplocalratelimitpolicies', 'v1alpha1'),
      readRateLimit,
      (limit) => this.#rateLimitChanged(limit),
      { unreadable: unreadableRateLimit },
    );
    this.#rateLimitsByServer = this.#rateLimits.index(({ namespace, server }) =>
      server === undefined ? [] : [keyOf(namespace, server)],
    );
    this.watched = Object.values(this.#tables).map((each) => each.watched);
  }

  get #tables(): Record<InboundKind, Pick<Table<Named>, 'watched' | 'sizes'>> {
    return {
      authorization_policy: this.#policies,
      external_workload: this.#workloads,
      http_local_rate_limit_policy: this.#rateLimits,
      meshtls_authentication: this.#meshTls,
      network_authentication: this.#networks,
      pod: this.#pods,
      server: this.#servers,
      server_authorization: this.#serverAuthorizations,
    };
  }

  /** How many objects are known, by kind and namespace. */
  *sizes(): Iterable<{ kind: InboundKind; namespace: string; size: number }> {
    for (const [kind, table] of Object.entries(this.#tables))
      for (const [namespace, size] of table.sizes()) yield { kind: kind as InboundKind, namespace, size };
  }

  /** Calls back after changes of what may decide about the port. */
  onPort(token: WorkloadToken, port: number, listener: Listener): () => void {
    return this.#askers.add(token, port, listener);
  }

  /** Calls back at once with each Server's record that came, went, or to which something is attached differently. */
  onServer(listener: (server: ServerRecord) => void): void {
    this.#askers.onServer(listener);
  }

  subject({ kind, namespace, name }: WorkloadToken): SubjectRecord | undefined {
    return (kind === 'pod' ? this.#pods : this.#workloads).get(keyOf(namespace, name));
  }

  /** The Server that stands for the port: of those that select it, the oldest; of equally old ones, the first by name. */
  serverAt(subject: SubjectRecord, port: number): ServerRecord | undefined {
    let first: ServerRecord | undefined;
    const names = [...subject.portsByName].filter(([, numbers]) => numbers.includes(port)).map(([name]) => name);
    for (const text of [port, ...names])
      for (const server of this.#serversByPort.get(`${subject.namespace}/${text}`))
        if ((first === undefined || byAge(server, first) < 0) && selectsLabels(server, subject)) first = server;
    return first;
  }

  /** By `namespace/name`. */
  server(key: string): ServerRecord | undefined {
    return this.#servers.get(key);
  }

  /** Those that are for the Server, by its name or by its labels. */
  *serverAuthorizations(server: ServerRecord): Iterable<ServerAuthorizationRecord> {
    yield* this.#authorizationsByServer.get(keyOf(server.namespace, server.name));
    for (const each of this.#authorizationsByLabels.get(server.namespace)) if (isFor(each, server)) yield each;
  }

  /** AuthorizationPolicies whose target is the Server or its namespace. */
  *serverPolicies({ namespace, name }: ServerRecord): Iterable<AuthorizationPolicyRecord> {
    yield* this.#policiesByTarget.get(refKey({ group: POLICY, kind: 'server', key: keyOf(namespace, name) }));
    yield* this.#policiesByTarget.get(refKey({ group: '', kind: 'namespace', key: namespace }));
  }

  /** AuthorizationPolicies whose target is the route. */
  routePolicies({ group, kind, namespace, name }: RouteRecord): Iterable<AuthorizationPolicyRecord> {
    return this.#policiesByTarget.get(refKey({ group, kind: kind.toLowerCase(), key: keyOf(namespace, name) }));
  }

  /** Routes that count on the Server, in the order in which they win. */
  routes({ namespace, name }: ServerRecord): Set<RouteRecord> {
    return new Set(this.#routes.effective('server', keyOf(namespace, name)).map(({ route }) => route));
  }

  meshTlsAuthentication(key: string): MeshTlsRecord | undefined {
    return this.#meshTls.get(key);
  }
  networkAuthentication(key: string): NetworkRecord | undefined {
    return this.#networks.get(key);
  }

  /** Every rate limit. */
  rateLimits(): Iterable<RateLimitRecord> {
    return this.#rateLimits.all();
  }
  /** The one that counts on the Server. */
  rateLimit({ namespace, name }: ServerRecord): RateLimitRecord | undefined {
    return acceptedRateLimit(this.#rateLimitsByServer.get(keyOf(namespace, name)), name);
  }

  #serverChanged(server: ServerRecord): void {
    const key = keyOf(server.namespace, server.name);
    this.#askers.serverChanged(server);
    const stop = this.#routeStops.get(key);
    const exists = this.server(key) !== undefined;
    if (exists && !stop)
      this.#routeStops.set(
        key,
        this.#routes.onParent('server', key, () => this.#touchServer(key)),
      );
    else if (!exists && stop) {
      stop();
      this.#routeStops.delete(key);
    }
  }

  #touchServer(key: string): void {
    const server = this.#servers.get(key);
    if (server) this.#askers.serverChanged(server);
  }

  #authorizationChanged(authorization: ServerAuthorizationRecord): void {
    const { namespace, server } = authorization;
    if ('name' in server) this.#touchServer(keyOf(namespace, server.name));
    else
      for (const each of this.#servers.of(namespace)) if (isFor(authorization, each)) this.#askers.serverChanged(each);
  }

  #targetChanged(target: ObjectRef): void {
    const { group, kind, key } = target;
    if (kind === 'server') this.#touchServer(key);
    else if (kind === 'namespace') for (const each of this.#servers.of(key)) this.#askers.serverChanged(each);
    else
      for (const parent of this.#routes.find(group, kind, key)?.parents ?? [])
        if (parent.kind === 'server') this.#touchServer(keyOf(parent.namespace, parent.name));
  }

  #requiredChanged(kind: string, { namespace, name }: Named): void {
    const key = refKey({ group: POLICY, kind, key: keyOf(namespace, name) });
    for (const { target } of this.#policiesByRequired.get(key)) this.#targetChanged(target);
  }

  #rateLimitChanged({ namespace, server }: RateLimitRecord): void {
    if (server !== undefined) this.#touchServer(keyOf(namespace, server));
  }
}

function isFor({ server: wanted }: ServerAuthorizationRecord, server: ServerRecord): boolean {
  return 'name' in wanted ? wanted.name === server.name : wanted.labels(server.labels);
}
