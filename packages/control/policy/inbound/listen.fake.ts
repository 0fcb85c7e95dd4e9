/** What tests of inbound policy share: scenes that end with their test, and a short form of what a proxy heard. */
import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { decodeIp, type inbound } from '#api/mesh';
import { type FakeCluster, type Heard, type Scene, startScene, until } from '../scene.fake.ts';

type Config = Parameters<typeof startScene>[1];

/** To be called once by a file of tests. */
export function listener() {
  const scenes: Scene[] = [];
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close();
  });
  async function start(cluster: FakeCluster, config?: Config): Promise<Scene> {
    const scene = await startScene(cluster, config);
    scenes.push(scene);
    return scene;
  }
  /** The first policy of a port of the pod `shop/web`. */
  async function ask(cluster: FakeCluster, port = 80, config?: Config): Promise<inbound.Server> {
    const heard = (await start(cluster, config)).port(port);
    await until(() => heard.all.length > 0 || heard.ended !== undefined);
    return heard.last;
  }
  return { start, ask };
}

/** Waits for a policy of which something holds. */
export const changes = (heard: Heard<inbound.Server>, holds: (server: inbound.Server) => boolean): Promise<void> =>
  until(
    () => heard.all.length > 0 && holds(heard.last),
    () => [label(heard.last), ...describe(heard.last), ...routesOf(heard.last).map(nameOf)],
  );

/** `kind/name` of what the port falls under. */
export const label = (server: inbound.Server): string => `${server.labels['kind']}/${server.labels['name']}`;

/** `kind/name: who from where` a line. */
export const describe = ({ authorizations }: Pick<inbound.Server, 'authorizations'>): string[] =>
  authorizations.map(({ labels, networks, authentication, metadata }) => {
    const net = (each: inbound.Network['net']) => `${decodeIp(each?.ip)}/${each?.prefixLen}`;
    const from = networks.map((each) => [net(each.net), ...each.except.map((except) => `!${net(except)}`)].join(''));
    const named = metadata?.kind.case === 'resource' ? metadata.kind.value.name : metadata?.kind.value;
    assert.equal(named, labels['name']);
    return `${labels['kind']}/${labels['name']}: ${who(authentication)} from ${from.join(' ')}`;
  });

function who(authn: inbound.Authn | undefined): string {
  if (authn?.permit.case !== 'meshTLS') return authn?.permit.case ?? 'nobody';
  const { clients } = authn.permit.value;
  if (clients.case !== 'identities') return 'tls';
  const { identities, suffixes } = clients.value;
  return [
    ...identities.map(({ name }) => name),
    ...suffixes.map(({ parts }) => `*${parts.map((part) => `.${part}`).join('')}`),
  ].join();
}

type Route = inbound.HttpRoute | inbound.GrpcRoute;

/** Routes of any kind; none where the protocol has none. */
export function routesOf({ protocol }: inbound.Server): readonly Route[] {
  const kind = protocol?.kind;
  if (kind?.case === 'detect') return kind.value.httpRoutes;
  return kind?.case === 'http1' || kind?.case === 'http2' || kind?.case === 'grpc' ? kind.value.routes : [];
}

/** `default`, or `HTTPRoute/name`. */
export function nameOf({ metadata }: Route): string {
  const kind = metadata?.kind;
  return kind?.case === 'resource' ? `${kind.value.kind}/${kind.value.name}` : String(kind?.value);
}

/** Names of the routes in their order. */
export const routeNames = (server: inbound.Server): string[] => routesOf(server).map(nameOf);

/** The rate limit; undefined where there is none, or where the protocol has none. */
export function limitOf({ protocol }: inbound.Server): inbound.HttpLocalRateLimit | undefined {
  const kind = protocol?.kind;
  if (kind?.case === 'detect') return kind.value.httpLocalRateLimit;
  return kind?.case === 'http1' || kind?.case === 'http2' ? kind.value.localRateLimit : undefined;
}

export const EVERYWHERE = '0.0.0.0/0 ::/0';
/** What identities end with behind service account and namespace. */
export const ID = 'serviceaccount.identity.linkerd.cluster.local';

/** A Server of all pods on the port `http`. */
export const server = (fields: object = {}) => ({
  spec: { podSelector: {}, port: 'http', proxyProtocol: 'unknown', ...fields },
});

/** An AuthorizationPolicy of Linkerd's group. */
export const policyOn = (kind: string, name: string, required: object[] = [], group = 'policy.linkerd.io') => ({
  spec: { targetRef: { group, kind, name }, requiredAuthenticationRefs: required },
});

/** A reference to an authentication. */
export const ref = (kind: string, name: string, more: object = {}) => ({
  group: 'policy.linkerd.io',
  kind,
  name,
  ...more,
});

/** Made so many minutes after the year's begin. */
export const at = (minute: number) => ({
  metadata: { creationTimestamp: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z` },
});
