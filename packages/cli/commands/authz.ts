import type { Command } from 'commander';
import type {
  AuthorizationPolicy,
  Container,
  Gvr,
  KubeObject,
  ObjectMeta,
  Pod,
  PodSpec,
  PolicyHTTPRoute,
  Server,
  ServerAuthorization,
} from '#api/kube';
import { type KubeClient, matchesLabelSelector } from '#kube/client';
import type { CliContext } from '../context.ts';
import { renderTable } from '../output/index.ts';
import {
  AUTHORIZATION_POLICIES,
  POLICY_HTTP_ROUTES,
  podsOf,
  SERVER_AUTHORIZATIONS,
  SERVERS,
} from '../resources/index.ts';

/** One way in: a policy of a route (`*` for all) of a Server. */
export interface AuthorizationRow {
  route: string;
  server: string;
  authorizationPolicy: string;
  serverAuthorization: string;
}

/** `weft authz RESOURCE`: who is let in to the pods of a resource, by which policies. */
export function registerAuthz(program: Command, context: CliContext): void {
  program
    .command('authz')
    .argument('<resource...>', 'TYPE, TYPE/NAME or TYPE NAME')
    .description('List authorizations for a resource')
    .option('-n, --namespace <namespace>', "Namespace of the resource (default: the kubeconfig context's)")
    .action(async (words: string[], flags: { namespace?: string }) => {
      const connection = await context.connect();
      const namespace = flags.namespace ?? connection.namespace;
      const pods = await podsOf(connection.client, namespace, words.slice(0, 2).join('/'));
      const policies = await readPolicies(connection.client, namespace);
      const rows = authorizations(policies, pods, (text) => context.io.err(`${text}\n`)).map((row) => [
        row.route || '*',
        row.server,
        row.authorizationPolicy,
        row.serverAuthorization,
      ]);
      const head = ['ROUTE', 'SERVER', 'AUTHORIZATION_POLICY', 'SERVER_AUTHORIZATION'];
      context.io.out(renderTable([head, ...rows], { gap: 2, widths: [6, 6, 21, 21], padLast: true }));
    });
}

/** The policies of one namespace. */
export interface Policies {
  servers: readonly Server[];
  serverAuthorizations: readonly ServerAuthorization[];
  authorizationPolicies: readonly AuthorizationPolicy[];
  routes: readonly PolicyHTTPRoute[];
}

async function readPolicies(client: KubeClient, namespace: string): Promise<Policies> {
  const list = async <T extends KubeObject>(gvr: Gvr) => (await client.list<T>(gvr, { namespace })).items;
  const [servers, serverAuthorizations, authorizationPolicies, routes] = await Promise.all([
    list<Server>(SERVERS),
    list<ServerAuthorization>(SERVER_AUTHORIZATIONS),
    list<AuthorizationPolicy>(AUTHORIZATION_POLICIES),
    list<PolicyHTTPRoute>(POLICY_HTTP_ROUTES),
  ]);
  return { servers, serverAuthorizations, authorizationPolicies, routes };
}

const nameOf = ({ metadata }: KubeObject): string => metadata.name ?? '';

/** The rows of these pods: ServerAuthorizations first. What points to nothing is told to `warn`. */
export function authorizations(
  policies: Policies,
  pods: readonly Pod[],
  warn: (text: string) => void,
): AuthorizationRow[] {
  const admits = (server: Server) => selectsPort(server, pods);
  const byServers = policies.serverAuthorizations.flatMap((authorization) =>
    serversOf(authorization, policies.servers, warn)
      .filter(admits)
      .map((server) => ({
        route: '',
        server: nameOf(server),
        authorizationPolicy: '',
        serverAuthorization: nameOf(authorization),
      })),
  );
  const byPolicies = policies.authorizationPolicies.flatMap((policy) =>
    targetsOf(policy, policies, warn)
      .filter(({ server }) => admits(server))
      .map(({ server, route }) => ({
        route,
        server: nameOf(server),
        authorizationPolicy: nameOf(policy),
        serverAuthorization: '',
      })),
  );
  return [...byServers, ...byPolicies];
}

function serversOf(
  authorization: ServerAuthorization,
  servers: readonly Server[],
  warn: (text: string) => void,
): readonly Server[] {
  const { name, selector } = authorization.spec.server;
  if (name === undefined)
    return selector ? servers.filter(({ metadata }) => matchesLabelSelector(selector, metadata.labels ?? {})) : [];
  const found = servers.filter((server) => nameOf(server) === name);
  if (found.length === 0)
    warn(`ServerAuthorization/${nameOf(authorization)} is for Server/${name}, which does not exist`);
  return found;
}

interface Target {
  server: Server;
  /** Empty: all routes. */
  route: string;
}

const POLICY_GROUP = 'policy.linkerd.io';

function targetsOf(policy: AuthorizationPolicy, policies: Policies, warn: (text: string) => void): Target[] {
  const { group = '', kind, name } = policy.spec.targetRef;
  const named = (server: string, whose: string, route = ''): Target[] => {
    const found = policies.servers.filter((each) => nameOf(each) === server);
    if (found.length === 0) warn(`${whose} is for Server/${server}, which does not exist`);
    return found.map((each) => ({ server: each, route }));
  };
  if (kind === 'Namespace' && group === '') return policies.servers.map((server) => ({ server, route: '' }));
  if (group !== POLICY_GROUP) return [];
  if (kind === 'Server') return named(name, `AuthorizationPolicy/${nameOf(policy)}`);
  if (kind !== 'HTTPRoute') return [];
  const route = policies.routes.find((each) => nameOf(each) === name);
  if (!route) {
    warn(`AuthorizationPolicy/${nameOf(policy)} is for HTTPRoute/${name}, which does not exist`);
    return [];
  }
  return (route.spec.parentRefs ?? [])
    .filter((parent) => parent.kind === 'Server' && parent.group === POLICY_GROUP)
    .flatMap((parent) => named(parent.name, `HTTPRoute/${name}`, name));
}

/** Whether a Server selects one of the pods at a port that it declares. */
function selectsPort({ spec }: Server, pods: readonly { metadata: ObjectMeta }[]): boolean {
  const { podSelector, port } = spec;
  if (!podSelector) return false;
  return pods.some(
    (pod) =>
      matchesLabelSelector(podSelector, pod.metadata.labels ?? {}) &&
      containersOf(pod).some(({ ports = [] }) =>
        ports.some(({ containerPort, name }) => port === containerPort || port === name),
      ),
  );
}

function containersOf(pod: object): Container[] {
  const { spec } = pod as { spec?: PodSpec };
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}
