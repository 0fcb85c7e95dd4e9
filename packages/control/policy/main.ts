/** The process of the policy service: gRPC on :8090, admission webhook on :9443, admin on :9990. */
import { hostname } from 'node:os';
import { startWebhookServer } from '#kube/webhook';
import { PortSet } from '#model/annotations';
import { DEFAULT_POLICIES, parseDefaultPolicy } from '#model/policy';
import { createGrpcServer } from '#runtime/grpc';
import { grpcMetrics, type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { reviewPolicy } from './admission/index.ts';
import { type Network, parseNetworks } from './networks.ts';
import { createPolicy } from './service.ts';

const FLAGS = {
  'admin-addr': { default: '0.0.0.0:9990' as string, doc: 'Address of probes and metrics.' },
  'grpc-addr': { default: '0.0.0.0:8090' as string, doc: 'Address of the gRPC services.' },
  'server-addr': { default: '0.0.0.0:9443' as string, doc: 'Address of the admission webhook.' },
  'server-tls-key': { default: '/var/run/linkerd/tls/tls.key' as string, doc: 'Key of the webhook.' },
  'server-tls-certs': { default: '/var/run/linkerd/tls/tls.crt' as string, doc: 'Certificate of the webhook.' },
  'cluster-networks': {
    default: '10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8' as string,
    doc: 'Networks of pods and services; what is outside is egress.',
  },
  'identity-domain': { default: 'cluster.local' as string, doc: 'End of all identities.' },
  'cluster-domain': { default: 'cluster.local' as string, doc: 'DNS domain of the cluster.' },
  'control-plane-namespace': { default: 'linkerd' as string, doc: 'Namespace of the control plane.' },
  'default-policy': { default: 'all-unauthenticated' as string, doc: 'Policy of ports that no Server selects.' },
  'default-opaque-ports': { default: '' as string, doc: 'Ports that are opaque unless annotated otherwise.' },
  'probe-networks': { default: '' as string, doc: 'Networks from which kubelets probe.' },
  'global-egress-network-namespace': {
    default: 'linkerd-egress' as string,
    doc: 'Namespace of the EgressNetworks that count where a namespace has none of its own.',
  },
  'policy-deployment-name': {
    default: 'linkerd-destination' as string,
    doc: 'Deployment that owns the lease of the replica that writes statuses.',
  },
  'patch-timeout-ms': { default: 5000 as number, doc: 'How long writing one status may take.' },
  'allow-l5d-request-headers': {
    default: false as boolean,
    doc: 'Clients may set time-outs and retries by l5d-* headers.',
  },
};

/** Runs the policy service with Linkerd's arguments until a signal; resolves with the exit code. */
export function runPolicy(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'policy', flags: FLAGS, adminFlag: 'admin-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, log, metrics } = context;
  const defaultPolicy = parseDefaultPolicy(flags['default-policy']);
  if (!defaultPolicy)
    throw new Error(
      `flag -default-policy: expected one of ${Object.keys(DEFAULT_POLICIES).join(', ')}, got "${flags['default-policy']}"`,
    );
  const defaultOpaquePorts = PortSet.parse(flags['default-opaque-ports']);
  if (!defaultOpaquePorts)
    throw new Error(`flag -default-opaque-ports: expected ports and ranges, got "${flags['default-opaque-ports']}"`);
  const patchTimeoutMs = flags['patch-timeout-ms'];
  if (patchTimeoutMs <= 0)
    throw new Error(`flag -patch-timeout-ms: expected milliseconds above 0, got ${patchTimeoutMs}`);
  const kube = await context.kube();
  const service = createPolicy(
    { kube, log, metrics },
    {
      controlPlaneNamespace: flags['control-plane-namespace'],
      trustDomain: flags['identity-domain'],
      clusterDomain: flags['cluster-domain'],
      clusterNetworks: networks('cluster-networks', flags['cluster-networks']),
      probeNetworks: networks('probe-networks', flags['probe-networks']),
      defaultPolicy,
      defaultOpaquePorts,
      globalEgressNamespace: flags['global-egress-network-namespace'],
      allowL5dRequestHeaders: flags['allow-l5d-request-headers'],
      statusWriter: {
        controlPlaneNamespace: flags['control-plane-namespace'],
        identity: context.env['HOSTNAME'] || hostname(),
        deployment: flags['policy-deployment-name'],
        patchTimeoutMs,
      },
    },
  );
  // The API server may call before the watches are complete: what is reviewed does not depend on them.
  const webhook = await startWebhookServer({
    ...context.listenAddress('server-addr'),
    certificateFile: flags['server-tls-certs'],
    keyFile: flags['server-tls-key'],
    handle: (request) => {
      const answer = reviewPolicy(request);
      metrics.counter('admission_reviews_total', { kind: request.kind.kind, allowed: String(answer.allowed) }).inc();
      for (const warning of answer.warnings ?? [])
        log.warn('admitted with a warning', { namespace: request.namespace, name: request.name, warning });
      if (!answer.allowed)
        log.info('refused an object', { namespace: request.namespace, name: request.name, reason: answer.message });
      return answer;
    },
    onError: (error) => log.warn('webhook', { error: error.message }),
  });
  await service.synced;
  const server = createGrpcServer({
    observer: grpcMetrics(metrics),
    onBug: (method, error) =>
      log.error('a call failed', { method, error: error instanceof Error ? error.stack : String(error) }),
  });
  service.serve(server);
  await server.listen(context.listenAddress('grpc-addr'));
  return {
    ready: () => true,
    retire: () => webhook.retire(),
    async drain() {
      await Promise.all([service.stop(), webhook.close(), server.close()]);
      kube.close();
    },
  };
}

function networks(flag: string, text: string): Network[] {
  const list = parseNetworks(text);
  if (!list) throw new Error(`flag -${flag}: expected networks such as 10.0.0.0/8,fd00::/8, got "${text}"`);
  return list;
}
