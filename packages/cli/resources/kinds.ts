import {
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  type Gvr,
  JOBS,
  NAMESPACES,
  PODS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  SERVICES,
  STATEFUL_SETS,
} from '#api/kube';

/** A kind of object as users name it. */
export interface ResourceKind {
  gvr: Gvr;
  /** The canonical name (singular) first, then all others. */
  names: readonly [string, ...string[]];
  /** Whether it has pods. */
  pods?: true;
  /** Whether its name is suggested to who presses the tab key. */
  suggested?: true;
}

const gvr = (group: string, version: string, resource: string): Gvr => ({ group, version, resource });
const policy = (version: string, resource: string): Gvr => gvr('policy.linkerd.io', version, resource);

export const SERVERS = policy('v1beta3', 'servers');
export const SERVER_AUTHORIZATIONS = policy('v1beta1', 'serverauthorizations');
export const AUTHORIZATION_POLICIES = policy('v1alpha1', 'authorizationpolicies');
export const POLICY_HTTP_ROUTES = policy('v1beta3', 'httproutes');

/** Every kind that a command takes, with Linkerd's short names. */
export const RESOURCE_KINDS: readonly ResourceKind[] = [
  { gvr: NAMESPACES, names: ['namespace', 'ns', 'namespaces'], pods: true, suggested: true },
  { gvr: DAEMON_SETS, names: ['daemonset', 'ds', 'daemonsets'], pods: true, suggested: true },
  { gvr: STATEFUL_SETS, names: ['statefulset', 'sts', 'statefulsets'], pods: true, suggested: true },
  { gvr: JOBS, names: ['job', 'jobs'], pods: true, suggested: true },
  { gvr: DEPLOYMENTS, names: ['deployment', 'deploy', 'deployments'], pods: true, suggested: true },
  {
    gvr: REPLICATION_CONTROLLERS,
    names: ['replicationcontroller', 'rc', 'replicationcontrollers'],
    pods: true,
    suggested: true,
  },
  { gvr: PODS, names: ['pod', 'po', 'pods'], pods: true, suggested: true },
  { gvr: SERVICES, names: ['service', 'svc', 'services'], pods: true, suggested: true },
  { gvr: CRON_JOBS, names: ['cronjob', 'cj', 'cronjobs'], pods: true, suggested: true },
  { gvr: REPLICA_SETS, names: ['replicaset', 'rs', 'replicasets'], pods: true, suggested: true },
  { gvr: SERVERS, names: ['server', 'srv', 'servers'] },
  {
    gvr: SERVER_AUTHORIZATIONS,
    names: ['serverauthorization', 'saz', 'serverauthz', 'srvauthz', 'serverauthorizations'],
  },
  { gvr: AUTHORIZATION_POLICIES, names: ['authorizationpolicy', 'ap', 'authzpolicy', 'authorizationpolicies'] },
  { gvr: POLICY_HTTP_ROUTES, names: ['httproute', 'httproutes'] },
  {
    gvr: policy('v1alpha1', 'meshtlsauthentications'),
    names: ['meshtlsauthentication', 'meshtlsauthn', 'meshtlsauthentications'],
  },
  {
    gvr: policy('v1alpha1', 'networkauthentications'),
    names: ['networkauthentication', 'netauthn', 'networkauthn', 'networkauthentications'],
  },
  { gvr: gvr('linkerd.io', 'v1alpha2', 'serviceprofiles'), names: ['serviceprofile', 'sp', 'serviceprofiles'] },
  { gvr: gvr('multicluster.linkerd.io', 'v1alpha3', 'links'), names: ['link', 'ln', 'links'] },
];

const BY_NAME = new Map(RESOURCE_KINDS.flatMap((kind) => kind.names.map((name) => [name, kind] as const)));

/** The kind that a word means, in any of its names. */
export const kindNamed = (word: string): ResourceKind | undefined => BY_NAME.get(word.toLowerCase());

/** Kinds with pods, for messages. */
export const podKinds = (): string =>
  RESOURCE_KINDS.filter(({ pods }) => pods)
    .map(({ names }) => names[1] ?? names[0])
    .join(', ');
