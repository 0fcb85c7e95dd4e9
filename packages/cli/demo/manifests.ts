import type { AnyObject } from '#api/kube';

export const DEMO_NAMESPACE = 'mc-demo';
export const SERVER = 'bb';
export const CLIENT = 'traffic';
const PORT = 8080;
/** Requests a second of the client: enough to see the balance at once, little beside what the machine can do. */
const RATE = 10;

const INJECT = { 'linkerd.io/inject': 'enabled' };

const serviceAccount = (name: string): AnyObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: DEMO_NAMESPACE },
});

const deployment = (name: string, container: Record<string, unknown>): AnyObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: DEMO_NAMESPACE },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: INJECT },
      spec: { serviceAccountName: name, terminationGracePeriodSeconds: 5, containers: [container] },
    },
  },
});

/** The service that every cluster has: it answers with its cluster's name, and is a member of the federated service. */
export function serverObjects(cluster: string): AnyObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: DEMO_NAMESPACE } },
    serviceAccount(SERVER),
    deployment(SERVER, {
      name: 'terminus',
      image: 'buoyantio/bb:v0.0.6',
      args: ['terminus', `--h1-server-port=${PORT}`, `--response-text=hello from ${cluster}\n`],
      ports: [{ containerPort: PORT }],
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: SERVER,
        namespace: DEMO_NAMESPACE,
        labels: { 'mirror.linkerd.io/federated': 'member' },
      },
      spec: { selector: { app: SERVER }, ports: [{ name: 'http', port: PORT, targetPort: PORT }] },
    },
  ];
}

/** One curl that asks the federated service at a fixed rate and writes a line per answer: body, status, seconds, error. */
export function clientObjects(): AnyObject[] {
  const container = {
    name: CLIENT,
    image: 'curlimages/curl',
    command: ['curl'],
    args: [
      '--silent',
      '--no-buffer',
      ...['--rate', `${RATE}/s`],
      ...['--max-time', '10'],
      ...['--write-out', '\t%{http_code}\t%{time_total}\t%{errormsg}\n'],
      `http://${SERVER}-federated:${PORT}/?[1-1000000]`,
    ],
  };
  return [serviceAccount(CLIENT), deployment(CLIENT, container)];
}

/** The identity of a demo workload's service account. */
export const identityOf = (account: string): string =>
  `${account}.${DEMO_NAMESPACE}.serviceaccount.identity.linkerd.cluster.local`;
