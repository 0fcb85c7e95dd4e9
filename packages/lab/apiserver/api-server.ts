import type { Duplex } from 'node:stream';
import { Admission } from '#lab/admission';
import type { UserInfo } from '#lab/auth';
import {
  Authorizer,
  type ClusterKeys,
  createClusterKeys,
  issueClientCertificate,
  issueFrontProxyCertificate,
  issueServerCertificate,
  kubeconfig,
  TokenAuthority,
  TokenReviewer,
} from '#lab/auth';
import { Cel } from '#lab/cel';
import type { ClusterClient, PodRuntime } from '#lab/contract';
import type { Store } from '#lab/store';
import { keepAccountTokenSecrets } from './account-token-secrets.ts';
import { Aggregation } from './aggregation.ts';
import { bootstrap } from './bootstrap.ts';
import { builtinResources } from './builtin.ts';
import { builtinKind } from './builtin-kind.ts';
import { createClient } from './client.ts';
import { CONVERSIONS } from './conversions.ts';
import type { Core } from './core.ts';
import { CustomResources } from './custom-resources.ts';
import {
  type ApiListener,
  Authentication,
  answerLog,
  answerProxy,
  asReply,
  createServer,
  Documents,
  listen,
  Metrics,
  needsUpgrade,
  Pipeline,
  serveUpgrade,
} from './http/index.ts';
import { ResourceRegistry } from './registry.ts';
import { builtinStrategies, recoverAddresses, ServiceAddresses } from './strategies/index.ts';
import { type IssuedToken, requestToken, type TokenRequestSpec } from './token-request.ts';

/** The outside world as the API server sees it. */
export interface ApiServerDeps {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Connects to a pod or node address from inside the cluster's network: webhooks, aggregated servers, proxies. */
  readonly dial: (host: string, port: number) => Promise<Duplex>;
  /** The node's side of logs, exec, attach and port-forward; asked for with each request, as nodes come later. */
  readonly podRuntime: () => PodRuntime | undefined;
  readonly log: (line: string) => void;
}

export interface ApiServerConfig {
  /** Address in the cluster's network that clients of other clusters use, e.g. `172.30.0.1`. */
  readonly advertiseAddress: string;
  /** Port under that address, e.g. 6443. */
  readonly advertisePort: number;
  /** E.g. `10.96.0.0/16`; the `kubernetes` Service gets its first address. */
  readonly serviceCidr: string;
  /** Further names and addresses for the server certificate. */
  readonly extraNames?: readonly string[];
}

export interface ApiServer {
  /** Full access from inside the process. */
  readonly client: ClusterClient;
  readonly keys: ClusterKeys;
  /** Serves HTTPS; resolves with the port in use (0 asks for a free one). May be called for several addresses. */
  listen(host: string, port: number): Promise<number>;
  /** A kubeconfig for the cluster's administrator, with one context `name`. */
  adminKubeconfig(name: string, server: string): string;
  /** TokenRequest from inside the process, for the kubelet. */
  requestToken(account: { namespace: string; name: string }, spec: TokenRequestSpec): Promise<IssuedToken>;
  close(): Promise<void>;
}

const KEYS_NOTE = 'cluster-keys';
const NODE_PORT_MIN = 30_000;
const NODE_PORT_MAX = 32_767;
const SYSTEM_USER: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] };
const ADMIN = { name: 'kubernetes-admin', groups: ['system:masters'] } as const;

/** Builds the API server of one cluster over its store: keys are made once and kept there, first objects are created. */
export async function createApiServer(deps: ApiServerDeps, config: ApiServerConfig): Promise<ApiServer> {
  const { store, nowMs } = deps;
  const keys = await clusterKeys(store, nowMs());
  const authorizer = new Authorizer(store);
  const { core, customResources } = createCore(deps, config, authorizer);
  const tokens = await TokenAuthority.open(keys);
  const reviewer = new TokenReviewer(tokens, (resource, ref) => store.get(`/${resource}`, ref)?.object);
  const client = createClient(
    core,
    { user: SYSTEM_USER, fieldManager: 'kube-apiserver' },
    { warn: () => undefined, log: deps.log },
  );
  customResources.start(client);
  const serviceIp = firstAddress(config.serviceCidr);
  const address = `${config.advertiseAddress}:${config.advertisePort}`;
  await bootstrap(client, { keys, serverUrl: `https://${address}`, serviceIp });
  const stopSecrets = keepAccountTokenSecrets({ client, tokens, keys, log: deps.log });
  const metrics = new Metrics(store, nowMs);
  const authentication = new Authentication({
    reviewer,
    authorizer,
    clientCa: keys.ca.certificate,
    nowMs,
    metrics,
    log: deps.log,
  });
  const aggregation = new Aggregation({
    ...deps,
    client,
    frontProxy: await issueFrontProxyCertificate(keys, nowMs()),
    changed: () => core.registry.touch(),
  });
  const pipeline = new Pipeline({
    core,
    authentication,
    authorizer,
    reviewer,
    tokens,
    documents: new Documents(core.registry, tokens, address, () => aggregation.foreign, metrics),
    detours: [aggregation],
    streams: {
      log: (call, resource) => answerLog(deps.podRuntime, call, resource),
      exec: needsUpgrade,
      attach: needsUpgrade,
      portforward: needsUpgrade,
      proxy: (call, resource) => answerProxy(deps, call, resource),
    },
    metrics,
    log: deps.log,
  });
  const names = [config.advertiseAddress, serviceIp, ...(config.extraNames ?? [])];
  const certificate = await issueServerCertificate(keys, names, nowMs());
  const admin = await issueClientCertificate(keys, ADMIN, nowMs());
  const listeners = new Set<ApiListener>();
  return {
    client,
    keys,
    listen: (host, port) => {
      const listener = createServer(certificate, keys.ca.certificate, (request, reply) => {
        void pipeline.handle(request, asReply(reply));
      });
      listener.server.on('upgrade', (request, socket, head) => {
        void serveUpgrade(pipeline, deps.podRuntime, request, socket, head);
      });
      listeners.add(listener);
      return listen(listener.server, host, port);
    },
    adminKubeconfig: (name, server) => kubeconfig([{ name, server, ca: keys.ca.certificate, credentials: admin }]),
    requestToken: (account, spec) => requestToken(core, tokens, account, spec),
    close: async () => {
      customResources.close();
      aggregation.close();
      stopSecrets();
      authorizer.close();
      await Promise.all([...listeners].map((listener) => listener.close()));
    },
  };
}

function createCore(
  deps: ApiServerDeps,
  config: ApiServerConfig,
  authorizer: Authorizer,
): { core: Core; customResources: CustomResources } {
  const { store, nowMs, random } = deps;
  const registry = new ResourceRegistry();
  const cel = new Cel(({ user, verb, path, ...what }) =>
    authorizer.authorize(path === undefined ? { user, verb, ...what } : { user, verb, path }),
  );
  const ranges = { serviceCidr: config.serviceCidr, nodePortMin: NODE_PORT_MIN, nodePortMax: NODE_PORT_MAX };
  const addresses = new ServiceAddresses(ranges);
  const services = store.list('/services').map(({ object }) => object);
  recoverAddresses(addresses, services);
  const customResources = new CustomResources({ store, registry, cel, log: deps.log });
  const strategies = builtinStrategies({
    store,
    nowMs,
    addresses,
    definitions: customResources.strategy,
    cel,
    resources: () => registry.all(),
  });
  registry.set('builtin', builtinResources(builtinKind, strategies, CONVERSIONS));
  const admission = new Admission({
    store,
    random,
    cel,
    dial: deps.dial,
    log: deps.log,
    versionsOf: ({ storage }) => registry.storedAs(storage),
    resourceOf: (apiVersion, kind) => registry.findKind(apiVersion, kind),
  });
  return { core: { store, registry, admission, nowMs, random }, customResources };
}

async function clusterKeys(store: Store, nowMs: number): Promise<ClusterKeys> {
  const kept = store.readNote(KEYS_NOTE);
  if (kept) return JSON.parse(kept) as ClusterKeys;
  const keys = await createClusterKeys(nowMs);
  store.writeNote(KEYS_NOTE, JSON.stringify(keys));
  return keys;
}

/** `10.96.0.0/16` -> `10.96.0.1`. */
function firstAddress(cidr: string): string {
  const [address = ''] = cidr.split('/');
  const [a, b, c, d] = address.split('.').map(Number);
  return [a, b, c, (d ?? 0) + 1].join('.');
}
