/** The lab of the policy scenarios: who serves, who asks, and objects that stand as long as a test needs them. */
import assert from 'node:assert/strict';
import type { DescMessage, DescMethodServerStreaming, MessageInitShape } from '@bufbuild/protobuf';
import { encodeTcpAddress, inbound, outbound } from '#api/mesh';
import { eventually, type Lab } from '../../harness/index.ts';
import { Heard, type PortPolicy, policyClient, type TargetPolicy } from './watch.ts';

export const MINUTE_MS = 60_000;
/** What is known of a change within this time is known soon enough. */
const CONVERGED_MS = 15_000;

/** A Kubernetes object as `kubectl apply` takes it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [key: string]: unknown };
  [part: string]: unknown;
}

const VERSIONS: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'policy.linkerd.io/v1alpha1',
  EgressNetwork: 'policy.linkerd.io/v1alpha1',
  ExternalWorkload: 'workload.linkerd.io/v1beta1',
  GRPCRoute: 'gateway.networking.k8s.io/v1',
  HTTPLocalRateLimitPolicy: 'policy.linkerd.io/v1alpha1',
  HTTPRoute: 'policy.linkerd.io/v1beta3',
  MeshTLSAuthentication: 'policy.linkerd.io/v1alpha1',
  NetworkAuthentication: 'policy.linkerd.io/v1alpha1',
  Pod: 'v1',
  Server: 'policy.linkerd.io/v1beta3',
  ServerAuthorization: 'policy.linkerd.io/v1beta1',
  Service: 'v1',
  TCPRoute: 'gateway.networking.k8s.io/v1alpha2',
  TLSRoute: 'gateway.networking.k8s.io/v1alpha2',
};

/** An object in namespace `shop`, or in the one named before a slash. */
export function object(kind: string, name: string, spec: object, metadata: object = {}): KubeObject {
  const apiVersion = VERSIONS[kind] ?? assert.fail(`no version of ${kind}`);
  const [namespace = '', own] = name.includes('/') ? name.split('/') : ['shop', name];
  return { apiVersion, kind, metadata: { namespace, name: own ?? '', ...metadata }, spec };
}

/** A reference to an object of Linkerd's own policy kinds. */
export const ref = (kind: string, name: string, namespace?: string) => ({
  group: 'policy.linkerd.io',
  kind,
  name,
  ...(namespace && { namespace }),
});

export const identityOf = (account: string, namespace: string) =>
  `${account}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;
export const ALPHA_ID = identityOf('alpha', 'shop');

/** Namespace and Deployment of those who ask. */
const MESHED = { alpha: 'shop', gamma: 'shop', beta: 'other' } as const;
const UNMESHED = { plain: 'shop', stranger: 'shop' } as const;
const CLIENTS = { ...MESHED, ...UNMESHED, front: 'store', ops: 'store' } as const;
export type Client = keyof typeof CLIENTS;

/** A Deployment and its service account. */
export const deployment = (
  namespace: string,
  name: string,
  container: object,
  annotations: object = {},
): KubeObject[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations },
        spec: {
          serviceAccountName: name,
          terminationGracePeriodSeconds: 2,
          containers: [{ name: 'app', ...container }],
        },
      },
    },
  },
];
const server = (name: string, container: object): KubeObject[] => [
  ...deployment('shop', name, container),
  object('Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] }),
];
/** A namespace whose pods are in the mesh. */
export const namespace = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, annotations: { 'linkerd.io/inject': 'enabled' } },
});
/** The container of a web server on port `http`. */
export const answering = (text: string) => ({
  image: 'buoyantio/bb:v0.0.6',
  args: ['terminus', '--h1-server-port=8080', `--response-text=${text}`],
  ports: [{ name: 'http', containerPort: 8080 }],
});
/** The container of those who ask. */
export const IDLE = { image: 'debian', command: ['sleep', '100000'] };
/** Answers 500 to all. */
const FAILING = 'require("node:http").createServer((q, a) => { a.statusCode = 500; a.end(); }).listen(8080)';

/** All workloads: `web`, `api` answer their names, `broken` fails. */
export const APP: KubeObject[] = [
  namespace('shop'),
  namespace('other'),
  ...server('web', answering('from-web')),
  ...server('api', answering('from-api')),
  ...server('broken', {
    image: 'debian',
    command: ['node', '-e', FAILING],
    ports: [{ name: 'http', containerPort: 8080 }],
  }),
  ...Object.entries(MESHED).flatMap(([name, where]) => deployment(where, name, IDLE)),
  ...Object.entries(UNMESHED).flatMap(([name, where]) =>
    deployment(where, name, IDLE, { 'linkerd.io/inject': 'disabled' }),
  ),
];

/** Requests a second offered for some seconds; how many statuses of each kind came, those of the first seconds left out. */
const OFFER = `
const [url, rate, skipS, forS] = process.argv.slice(2);
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true });
const counts = {};
const startMs = Date.now();
let sent = 0, open = 0;
const finish = () => { if (sent >= rate * (+skipS + +forS) && open === 0) { console.log(JSON.stringify(counts)); process.exit(0); } };
setInterval(() => {
  const due = Math.min((Date.now() - startMs) / 1000, +skipS + +forS) * rate;
  for (; sent < due; sent++) {
    const counted = sent >= rate * skipS;
    open++;
    const done = (status) => { open--; if (counted) counts[status] = (counts[status] ?? 0) + 1; finish(); };
    http.get(url, { agent }, (answer) => { answer.resume(); answer.on("end", () => done(answer.statusCode)); }).on("error", (error) => done(error.code));
  }
}, 5);
`;

/** The scenarios' view of the lab. */
export class Scene {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async kubectl(words: string, input?: string): Promise<string> {
    return (await this.lab.ok(`kubectl ${words}`, input === undefined ? {} : { input })).trim();
  }

  async apply(objects: readonly KubeObject[]): Promise<void> {
    await this.kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  async remove(objects: readonly KubeObject[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await this.kubectl('delete --ignore-not-found -f -', list);
  }

  /** Objects that exist while `body` runs. */
  async with(objects: readonly KubeObject[], body: () => Promise<void>): Promise<void> {
    try {
      await this.apply(objects);
      await body();
    } finally {
      await this.remove(objects);
    }
  }

  async exec(client: Client, command: string, input?: string): Promise<string> {
    const stdin = input === undefined ? '' : '-i ';
    return this.kubectl(`-n ${CLIENTS[client]} exec ${stdin}deploy/${client} -c app -- ${command}`, input);
  }

  /** What a request is answered: `200 the body`; `000 ` when the connection failed. */
  async ask(client: Client, url: string, flags = ''): Promise<string> {
    const script = `curl -sk -m 8 ${flags} -w "\\n%{http_code}" ${url} || true`;
    const lines = (await this.exec(client, `sh -c '${script}'`)).split('\n');
    const status = lines.pop() ?? '';
    return `${status} ${lines.join('\n')}`;
  }

  /** Waits until a client's request is answered so. */
  async answers(client: Client, url: string, wanted: string | RegExp, flags = ''): Promise<void> {
    let last = '';
    const isSo = () => (typeof wanted === 'string' ? last.startsWith(wanted) : wanted.test(last));
    await eventually(`${client} asks ${url}: ${wanted}`, CONVERGED_MS, async () => {
      last = await this.ask(client, url, flags);
      if (!isSo()) throw new Error(`answered ${last}`);
      return true;
    });
  }

  async ipOf(client: Client): Promise<string> {
    return this.kubectl(`-n ${CLIENTS[client]} get pod -l app=${client} -o jsonpath='{.items[0].status.podIP}'`);
  }

  /** The share of 429 among the answers to a steady load, in per cent. */
  async refusedPercent(
    client: Client,
    url: string,
    rate: number,
    seconds: { skip: number; count: number },
  ): Promise<number> {
    const output = await this.exec(client, `node - ${url} ${rate} ${seconds.skip} ${seconds.count}`, OFFER);
    const counts = JSON.parse(output) as Record<string, number>;
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    assert.equal((counts['200'] ?? 0) + (counts['429'] ?? 0), all, output);
    return (100 * (counts['429'] ?? 0)) / all;
  }

  /** `diagnostics policy` for a client of a namespace; the message as it came. */
  async policy(service: string, port: number, from = 'shop'): Promise<OutboundPolicy> {
    const token = `--token '${JSON.stringify({ ns: from, pod: 'nobody' })}'`;
    const [where = 'shop', name] = service.includes('/') ? service.split('/') : ['shop', service];
    return JSON.parse(await this.lab.ok(`weft diagnostics policy -n ${where} svc/${name} ${port} ${token} -o json`));
  }

  /** Watches a port as the workload's proxy does while `body` runs. */
  watchPort(workload: object, port: number, body: (heard: Heard<PortPolicy>) => Promise<void>): Promise<void> {
    const request = { workload: JSON.stringify(workload), port };
    return this.#watch(inbound.InboundServerPolicies.method.watchPort, request, body);
  }

  /** Watches `10.0.0.1:80` or an authority, as the proxy of a client of the namespace does, while `body` runs. */
  watchTarget(target: string, body: (heard: Heard<TargetPolicy>) => Promise<void>, from = 'shop'): Promise<void> {
    const [, ip, port] = /^([\d.]+):(\d+)$/.exec(target) ?? [];
    const addr = ip === undefined ? undefined : encodeTcpAddress(ip, Number(port));
    const request = {
      sourceWorkload: JSON.stringify({ ns: from, pod: 'nobody' }),
      target: addr ? { case: 'addr' as const, value: addr } : { case: 'authority' as const, value: target },
    };
    return this.#watch(outbound.OutboundPolicies.method.watch, request, body);
  }

  async #watch<I extends DescMessage, O extends DescMessage, J>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    body: (heard: Heard<J>) => Promise<void>,
  ): Promise<void> {
    const client = await policyClient(this.lab);
    const heard = new Heard<J>(CONVERGED_MS);
    const cancel = client.serverStream(method, request, heard.sink(method.output));
    try {
      await body(heard);
    } finally {
      cancel();
      client.close();
    }
  }

  /** Waits until the client's proxy counts a route of that name, asking again each time. */
  async counts(client: Client, route: string, again: () => Promise<unknown> = async () => undefined): Promise<void> {
    await eventually(`the proxy of ${client} counts ${route}`, CONVERGED_MS, async () => {
      await again();
      const metrics = await this.lab.ok(`weft diagnostics proxy-metrics -n ${CLIENTS[client]} deploy/${client}`);
      const names = new Set(Array.from(metrics.matchAll(/^outbound_.*route_name="([^"]*)"/gm), ([, name]) => name));
      if (!names.has(route)) throw new Error(`it counts ${[...names].join(', ')}`);
      return true;
    });
  }

  async policyBecomes(service: string, port: number, wanted: unknown, from = 'shop'): Promise<OutboundPolicy> {
    let last: unknown;
    return eventually(`${service}:${port} seen from ${from} has ${JSON.stringify(wanted)}`, CONVERGED_MS, async () => {
      const policy = await this.policy(service, port, from);
      last = routeNames(policy);
      if (JSON.stringify(last) !== JSON.stringify(wanted)) throw new Error(`has ${JSON.stringify(last)}`);
      return policy;
    });
  }
}

interface Named {
  metadata: { Kind: { Default?: string; Resource?: { name: string } } };
  rules: { backends?: unknown }[];
}
/** As much of a policy as the scenarios read. */
export interface OutboundPolicy {
  protocol: { Kind: Record<string, { routes?: Named[]; http1?: { routes: Named[] } }> };
}

/** Protocol, then the routes of its HTTP/1 part, or its own, e.g. `['Detect', 'default/http']`. */
export function routeNames(policy: OutboundPolicy): string[] {
  const [[protocol = '', part] = []] = Object.entries(policy.protocol.Kind);
  const routes = part?.http1?.routes ?? part?.routes ?? [];
  return [protocol, ...routes.map(({ metadata: { Kind } }) => Kind.Resource?.name ?? `default/${Kind.Default}`)];
}
