import { notedClient, WatchHealth } from '#control/fold';
import { connectLinked, faultMetrics } from '#control/linked';
import { type ProcessContext, type Running, runProcess } from '#control/process';
import { parseSelector } from '#kube/client';
import { electLeader } from '#kube/lease';
import { parseGoDuration } from '#model/annotations';
import { LOCAL_CLUSTER } from '#model/federation';
import { systemClock } from '#runtime/clock';
import { systemRandom } from '#runtime/random';
import { LinkController } from './link-controller.ts';
import { LocalController } from './local-controller.ts';
import { gatewayMetrics, httpProbe, lookupHost } from './outside.ts';

const FLAGS = {
  'metrics-addr': { default: ':9999' as string, doc: 'Address of probes and metrics.' },
  namespace: { default: 'linkerd-multicluster' as string, doc: 'Namespace of Links and credentials.' },
  'local-mirror': { default: false as boolean, doc: 'Serve the local cluster instead of a Link.' },
  'federated-service-selector': {
    default: 'mirror.linkerd.io/federated=member' as string,
    doc: 'With -local-mirror: which local services are members.',
  },
  'excluded-labels': { default: '' as string, doc: 'With -local-mirror: labels not to copy, comma-separated.' },
  'excluded-annotations': { default: '' as string, doc: 'With -local-mirror: annotations not to copy.' },
  'cluster-name': {
    default: LOCAL_CLUSTER as string,
    doc: 'With -local-mirror: what this cluster is called in ServiceImports and names below clusterset.local.',
  },
  'enable-namespace-creation': {
    default: false as boolean,
    doc: 'Create namespaces that only the remote cluster has.',
  },
  'enable-headless-services': {
    default: false as boolean,
    doc: 'Mirror headless services through the gateway host by host.',
  },
  'event-requeue-limit': {
    default: 3 as number,
    doc: 'How often failed writes are tried again almost at once; after that the pauses grow, for ever.',
  },
  'endpoint-refresh-period': {
    default: '1m' as string,
    doc: "How often the gateway's addresses are looked up, as a duration such as 1m.",
  },
  'linkerd-namespace': {
    default: 'linkerd' as string,
    doc: 'Namespace of the control plane, whose Secret with the credentials is kept as the own one is.',
  },
  'renew-token-percent': {
    default: 70 as number,
    doc: 'After how much of its life a bound token in the credentials is renewed.',
  },
  'probe-service': { default: '' as string, doc: 'Service through which the gateway is probed; empty: it is not.' },
};

/**
 * Runs a mirror controller until a signal: `service-mirror [flags] <link>`, or with `-local-mirror` for the cluster itself.
 * Only the holder of the Lease works. Resolves with the exit code.
 */
export function runServiceMirror(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const links = argv.filter((word) => !word.startsWith('-'));
  const flags = argv.filter((word) => word.startsWith('-'));
  return runProcess(flags, env, {
    name: 'service-mirror',
    flags: FLAGS,
    adminFlag: 'metrics-addr',
    build: (context) => build(context, links),
  });
}

async function build(context: ProcessContext<typeof FLAGS>, links: readonly string[]): Promise<Running> {
  const { flags, log, env } = context;
  const [link] = links;
  const isLocal = flags['local-mirror'];
  if (isLocal === (link !== undefined) || links.length > 1)
    throw new Error(`expected the name of one Link, or -local-mirror; got ${JSON.stringify(links)}`);
  const identity = env['HOSTNAME'];
  if (!identity)
    throw new Error('the environment variable HOSTNAME must hold the name of the pod: it identifies the lease holder');
  const client = await context.kube();
  const health = new WatchHealth(context.metrics, systemClock);
  // What the own cluster is called everywhere in metrics.
  const watched = notedClient(client, health, 'local');
  const start = isLocal ? startLocal(context, watched) : startLink(context, watched, link ?? '', health);
  const election = electLeader(
    {
      client,
      namespace: flags.namespace,
      name: isLocal ? 'local-service-mirror-write' : `service-mirror-write-${link}`,
      identity,
    },
    {
      onStarted(signal) {
        log.info('leading');
        const controller = start();
        signal.addEventListener('abort', () => {
          log.info('no longer leading');
          controller.stop();
        });
      },
      onLeader: (leader) => log.info('lease holder', { leader }),
      onError: (error) => log.warn('cannot take or renew the lease', { error: error.message }),
    },
  );
  return {
    ready: () => true,
    async drain() {
      await election.stop();
      client.close();
    },
  };
}

type Client = Awaited<ReturnType<ProcessContext<typeof FLAGS>['kube']>>;

function startLink(
  { flags, log, metrics }: ProcessContext<typeof FLAGS>,
  client: Client,
  link: string,
  health: WatchHealth,
) {
  const endpointRefreshMs = parseGoDuration(flags['endpoint-refresh-period']);
  if (endpointRefreshMs === undefined || endpointRefreshMs < REFRESH_MS_MIN)
    throw new Error(
      `flag -endpoint-refresh-period: expected a duration of at least 1s such as 1m, got "${flags['endpoint-refresh-period']}"`,
    );
  const faultsAre = faultMetrics(metrics);
  return () =>
    new LinkController(
      {
        client,
        clock: systemClock,
        log,
        random: systemRandom,
        connect: connectLinked,
        noted: (cluster, resource, sink) => health.note(cluster, resource, sink),
        lookup: lookupHost,
        probe: httpProbe,
        gatewayMetrics: (cluster) => gatewayMetrics(metrics, cluster),
        onReachable: (cluster, reachable, faults) => {
          metrics.gauge('remote_cluster_up', { cluster }).set(reachable ? 1 : 0);
          faultsAre(cluster, faults);
        },
      },
      {
        link,
        namespace: flags.namespace,
        enableNamespaceCreation: flags['enable-namespace-creation'],
        enableHeadlessServices: flags['enable-headless-services'],
        endpointRefreshMs,
        probeService: flags['probe-service'] || undefined,
        requeueLimit: Math.max(0, flags['event-requeue-limit']),
        controlNamespace: flags['linkerd-namespace'],
        renewTokenAt: Math.min(99, Math.max(1, flags['renew-token-percent'])) / 100,
      },
    );
}

/** More often would only load name servers. */
const REFRESH_MS_MIN = 1_000;

/** A DNS label: it is one in names of pods. */
const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function startLocal({ flags, log }: ProcessContext<typeof FLAGS>, client: Client) {
  const federatedServiceSelector = parseSelector(flags['federated-service-selector']);
  if (!federatedServiceSelector)
    throw new Error(`flag -federated-service-selector: not a label selector: "${flags['federated-service-selector']}"`);
  const clusterName = flags['cluster-name'];
  if (!CLUSTER_NAME.test(clusterName))
    throw new Error(`flag -cluster-name: expected at most 63 of a-z, 0-9 and inner "-", got "${clusterName}"`);
  const list = (text: string): string[] => text.split(',').filter(Boolean);
  return () =>
    new LocalController(
      { client, clock: systemClock, log },
      {
        namespace: flags.namespace,
        federatedServiceSelector,
        excludedLabels: list(flags['excluded-labels']),
        excludedAnnotations: list(flags['excluded-annotations']),
        clusterName,
      },
    );
}
