import { setTimeout as sleep } from 'node:timers/promises';
import { SECRETS, SERVICES, type Secret } from '#api/kube';
import { isNotFound } from '#kube/client';
import { DEFAULT_ROOT, labDown, labStatus } from '#lab/supervisor';
import { captureVeth } from './capture.ts';
import { applyObjects, applyText, connectCluster, type DemoCluster, podOf, proxyMetrics, ready } from './cluster.ts';
import { CLIENT, clientObjects, DEMO_NAMESPACE, identityOf, SERVER, serverObjects } from './manifests.ts';
import { processTree, pssMB } from './memory.ts';
import { doubts } from './mtls.ts';
import { countLine, emptyTally, type Tally } from './tally.ts';

export const CLUSTERS = ['west', 'east', 'north'] as const;
const MULTICLUSTER = 'linkerd-multicluster';
const FEDERATION_TIMEOUT_MS = 60_000;
const ANSWERS_TIMEOUT_MS = 60_000;
const CAPTURE_SECONDS = 2;
/** Requests after which a run that was asked for once has seen enough. */
export const REQUESTS_WANTED = 100;

export interface DemoDeps {
  labName: string;
  progress(line: string): void;
  /** Starts the meshed lab as `weft lab up` does; rejects with its message. */
  labUp(): Promise<void>;
  signal: AbortSignal;
}

/** A federated service under traffic, watched. */
export interface RunningDemo {
  tally: Tally;
  /** Seconds from the start to the first answer of the federated service. */
  upSeconds: number;
  /** Reasons why mutual TLS is not proven; empty when it is. */
  mtlsDoubts(): Promise<string[]>;
  pssMB(): number;
  /** Rejects when the traffic's log broke off. */
  broken: Promise<void>;
  stop(): void;
}

/** Builds everything: lab, mesh, multicluster, the service in each cluster, and a client that asks the federated one. */
export async function startDemo(deps: DemoDeps): Promise<RunningDemo> {
  const { progress, signal, labName } = deps;
  const startedAtMs = Date.now();
  await deps.labUp();
  const kubeconfig = labStatus({ name: labName, root: DEFAULT_ROOT })?.kubeconfig;
  if (kubeconfig === undefined) throw new Error(`lab "${labName}" has no kubeconfig`);
  const clusters = await Promise.all(CLUSTERS.map((name) => connectCluster(name, kubeconfig)));
  const [west, ...remotes] = clusters as [DemoCluster, ...DemoCluster[]];
  const stop = () => {
    for (const { client } of clusters) client.close();
  };
  try {
    progress('multicluster: installing the extension, deploying the service into each cluster');
    await Promise.all(
      clusters.map(async (cluster) => {
        await applyText(cluster, await cluster.weft('multicluster', 'install', '--gateway=false'), signal);
        await applyObjects(cluster, serverObjects(cluster.name), signal);
        await remoteAccess(cluster, signal);
      }),
    );
    progress('multicluster: linking east and north to west');
    for (const remote of remotes)
      await applyText(
        west,
        await remote.weft('multicluster', 'link', `--cluster-name=${remote.name}`, '--gateway=false'),
        signal,
      );
    await Promise.all(
      clusters.flatMap((cluster) => [ready(cluster, MULTICLUSTER, signal), ready(cluster, DEMO_NAMESPACE, signal)]),
    );
    progress('waiting for the federated service');
    await federated(
      west,
      remotes.map(({ name }) => name),
      signal,
    );
    await applyObjects(west, clientObjects(), signal);
    await ready(west, DEMO_NAMESPACE, signal);
    const tally = emptyTally();
    const pod = await podOf(west, CLIENT);
    const path = `/api/v1/namespaces/${DEMO_NAMESPACE}/pods/${pod.metadata.name}/log?container=${CLIENT}&follow=true`;
    const log = west.client.lines(path, (line) => countLine(tally, line));
    // A broken log is looked at by whoever waits for answers.
    log.done.catch(() => {});
    await until(
      'the first federated answer',
      ANSWERS_TIMEOUT_MS,
      signal,
      () => tally.clusters.size > 0,
      () => describe(tally),
    );
    return {
      tally,
      upSeconds: (Date.now() - startedAtMs) / 1000,
      mtlsDoubts: () => gatherDoubts(clusters, labName, tally, signal),
      pssMB: () => pssMB(processTree(labStatus({ name: labName, root: DEFAULT_ROOT })?.pid ?? 0)),
      broken: log.done,
      stop: () => {
        log.stop();
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Waits until the cluster can be linked: the token that a link carries is filled in after its Secret was applied. */
async function remoteAccess(cluster: DemoCluster, signal: AbortSignal): Promise<void> {
  const name = 'linkerd-service-mirror-remote-access-default-token';
  const filled = async () => Boolean((await cluster.client.get<Secret>(SECRETS, name, MULTICLUSTER)).data?.['token']);
  await until(`the token of Secret ${name} in ${cluster.name}`, FEDERATION_TIMEOUT_MS, signal, filled, () => 'none');
}

/** Waits until the federated service lists every member. */
async function federated(west: DemoCluster, remotes: readonly string[], signal: AbortSignal): Promise<void> {
  let seen = 'no such Service';
  const wanted = remotes.map((name) => `${SERVER}@${name}`);
  await until(
    `service ${SERVER}-federated with members ${wanted.join(', ')}`,
    FEDERATION_TIMEOUT_MS,
    signal,
    async () => {
      try {
        const service = await west.client.get(SERVICES, `${SERVER}-federated`, DEMO_NAMESPACE);
        const annotations = service.metadata.annotations ?? {};
        seen = annotations['multicluster.linkerd.io/remote-discovery'] ?? 'no remote members';
        const local = annotations['multicluster.linkerd.io/local-discovery'];
        return local === SERVER && wanted.every((member) => seen.split(',').includes(member));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return false;
      }
    },
    () => seen,
  );
}

async function gatherDoubts(
  clusters: readonly DemoCluster[],
  lab: string,
  tally: Tally,
  signal: AbortSignal,
): Promise<string[]> {
  const [west] = clusters as [DemoCluster];
  const pod = await podOf(west, CLIENT);
  const where = { lab, node: pod.spec?.nodeName ?? '', podIp: pod.status?.podIP ?? '' };
  const requestsBefore = tally.requests;
  const capture = await captureVeth(where, 'hello from', CAPTURE_SECONDS, signal);
  const answersMeanwhile = tally.requests - requestsBefore;
  const servers = await Promise.all(
    clusters.map(async (cluster) => [cluster.name, await proxyMetrics(cluster)] as const),
  );
  return doubts({
    client: await proxyMetrics(west, CLIENT),
    servers: Object.fromEntries(servers),
    clientId: identityOf(CLIENT),
    serverId: identityOf(SERVER),
    capture: { ...capture, answersMeanwhile },
  });
}

const describe = ({ requests, failed, lastFailure }: Tally) =>
  `${requests} requests, ${failed} failed, last: ${lastFailure ?? '-'}`;
const POLL_MS = 50;

/** Polls `done` until it holds; rejects at the limit with what was seen instead. */
export async function until(
  what: string,
  timeoutMs: number,
  signal: AbortSignal,
  done: () => boolean | Promise<boolean>,
  seen: () => string,
): Promise<void> {
  for (const deadlineMs = Date.now() + timeoutMs; !(await done()); await sleep(POLL_MS, undefined, { signal }))
    if (Date.now() > deadlineMs) throw new Error(`${what}: not seen within ${timeoutMs / 1000} s; seen: ${seen()}`);
}

/** Ends the lab, whatever state it is in. */
export const endDemo = (labName: string): Promise<boolean> =>
  labDown({ name: labName, root: DEFAULT_ROOT, keep: false });
