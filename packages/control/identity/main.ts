/** The process of the identity service: Certify on :8080, admin on :9990. */
import type { KubeObject } from '#api/kube';
import { identity as api } from '#api/mesh';
import type { KubeClient } from '#kube/client';
import { parseGoDuration } from '#model/annotations';
import { systemClock } from '#runtime/clock';
import { createGrpcServer, GrpcError } from '#runtime/grpc';
import { type ControlMetrics, grpcMetrics, type ProcessContext, type Running, runProcess } from '../process/index.ts';
import { Credentials, SCHEMES, type Scheme } from './credentials.ts';
import { createEvents } from './events.ts';
import { createCertify } from './service.ts';
import { createTrustStreams } from './trust.ts';

const FLAGS = {
  addr: { default: ':8080' as string, doc: 'Address of the gRPC service.' },
  'admin-addr': { default: ':9990' as string, doc: 'Address of probes and metrics.' },
  'controller-namespace': { default: 'linkerd' as string, doc: 'Namespace of the control plane.' },
  'identity-trust-domain': { default: 'cluster.local' as string, doc: 'End of all identities.' },
  'identity-issuance-lifetime': { default: '24h0m0s' as string, doc: 'Life of certificates.' },
  'identity-clock-skew-allowance': { default: '10s' as string, doc: 'Added to their validity at both ends.' },
  'identity-scheme': {
    default: 'linkerd.io/tls' as string,
    doc: 'Kind of the issuer Secret: linkerd.io/tls or kubernetes.io/tls.',
  },
  issuer: { default: '/var/run/linkerd/identity/issuer' as string, doc: 'Folder with the issuer certificate and key.' },
  'trust-roots': {
    default: '/var/run/linkerd/identity/trust-roots/ca-bundle.crt' as string,
    doc: 'PEM file of the trust anchors.',
  },
  'kube-apiclient-qps': { default: 100 as number, doc: 'Requests a second to the API server; more wait.' },
  'kube-apiclient-burst': { default: 200 as number, doc: 'Requests to the API server at once, before any waits.' },
};

/** Runs the identity service with Linkerd's arguments until a signal; resolves with the exit code. */
export function runIdentity(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runProcess(argv, env, { name: 'identity', flags: FLAGS, adminFlag: 'admin-addr', build });
}

async function build(context: ProcessContext<typeof FLAGS>): Promise<Running> {
  const { flags, log, metrics } = context;
  const scheme = flags['identity-scheme'];
  if (!(scheme in SCHEMES))
    throw new Error(`flag -identity-scheme: expected ${Object.keys(SCHEMES).join(' or ')}, got "${scheme}"`);
  const domain = { controlPlaneNamespace: flags['controller-namespace'], trustDomain: flags['identity-trust-domain'] };
  const kube = await context.kube({
    perSecond: positive('kube-apiclient-qps', flags['kube-apiclient-qps']),
    burst: positive('kube-apiclient-burst', flags['kube-apiclient-burst']),
  });
  await requireTokenReviews(kube);
  const wallMs = () => systemClock.wallMs();
  const events = createEvents(kube, domain.controlPlaneNamespace, log, wallMs);
  const credentials = new Credentials({
    folder: flags.issuer,
    scheme: scheme as Scheme,
    rootsFile: flags['trust-roots'],
    events,
    clock: systemClock,
  });
  credentials.start();
  metrics.onCollect(() => countIssuer(metrics, credentials, wallMs()));
  const certify = createCertify(
    { kube, issuer: () => credentials.current, roots: () => credentials.roots, events, wallMs },
    {
      domain,
      lifetimeMs: duration('identity-issuance-lifetime', flags['identity-issuance-lifetime']),
      skewMs: duration('identity-clock-skew-allowance', flags['identity-clock-skew-allowance']),
    },
  );
  const server = createGrpcServer({
    observer: grpcMetrics(metrics),
    onBug: (method, error) => log.error('certifying failed', { method, error: String(error) }),
  });
  server.unary(api.Identity.method.certify, async (request) => {
    try {
      return await certify(request);
    } catch (error) {
      const { code, message } = GrpcError.from(error);
      metrics.counter('certify_refused_total', { reason: code }).inc();
      log.warn('refused a certificate', { identity: request.identity, code, reason: message });
      throw error;
    }
  });
  const followers = metrics.gauge('trust_followers', {});
  const watchTrust = createTrustStreams({
    credentials,
    followers: (change) => followers.set(followers.value + change),
    coalesced: () => metrics.counter('stream_updates_coalesced', { stream: 'trust' }).inc(),
  });
  server.serverStream(api.Identity.method.watchTrust, (_, stream) => watchTrust(stream));
  await server.listen(context.listenAddress('addr'));
  return {
    ready: () => credentials.current !== undefined,
    async drain() {
      credentials.stop();
      await server.close();
      kube.close();
    },
  };
}

function duration(flag: string, text: string): number {
  const ms = parseGoDuration(text);
  if (ms === undefined || ms < 0) throw new Error(`flag -${flag}: expected a duration such as 24h0m0s, got "${text}"`);
  return ms;
}

function positive(flag: string, number: number): number {
  if (!(number > 0)) throw new Error(`flag -${flag}: expected a number above 0, got ${number}`);
  return number;
}

function countIssuer(metrics: ControlMetrics, credentials: Credentials, nowMs: number): void {
  const { current } = credentials;
  if (current) metrics.gauge('issuer_cert_ttl_seconds', {}).set(Math.floor((current.notAfterMs - nowMs) / 1000));
  const rootsEndMs = credentials.roots.map((root) => Date.parse(root.validTo));
  metrics.gauge('trust_roots', {}).set(rootsEndMs.length);
  metrics.gauge('trust_root_ttl_seconds', {}).set(Math.floor((Math.min(...rootsEndMs) - nowMs) / 1000));
}

/** Without this permission no request could ever succeed; better said at the start. */
async function requireTokenReviews(kube: KubeClient): Promise<void> {
  const gvr = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' };
  const resourceAttributes = {
    verb: 'create',
    group: 'authentication.k8s.io',
    version: 'v1',
    resource: 'tokenreviews',
  };
  const review = await kube.create<KubeObject & { spec: unknown; status?: { allowed?: boolean; reason?: string } }>(
    gvr,
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      metadata: {},
      spec: { resourceAttributes },
    },
  );
  if (!review.status?.allowed)
    throw new Error(`not allowed to create tokenreviews.authentication.k8s.io: ${review.status?.reason ?? ''}`);
}
