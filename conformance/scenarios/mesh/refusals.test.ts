/**
 * Bad input, from outside: certificates of another root, tokens and signing requests that prove nothing, manifests that nobody
 * could follow. Each is refused, the refusal says why, and somebody who looks afterwards finds it in a log or a metric.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { identity as api } from '#api/mesh';
import { type CertificateAndKey, createCertificate } from '#cli/certificates';
import { TokenAuthority } from '#lab/auth';
import { sqliteLog } from '#lab/store';
import { createGrpcClient, GrpcError } from '#runtime/grpc';
import { x509 } from '#runtime/x509';
import {
  deploy,
  eventually,
  type Lab,
  requireProgram,
  shop,
  startLab,
  sumOf,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const identityOf = (account: string) => `${account}.shop.serviceaccount.identity.linkerd.cluster.local`;

const APP = shop(`${workload('web', webContainer('hi'))}
${workload('odd', webContainer('hi'), { annotations: 'linkerd.io/inject: "yes please"' })}
`);

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    await deploy(lab, APP);
  },
  { timeout: 4 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const kubectl = (words: string) => lab.ok(`kubectl -n shop ${words}`);
const metricsOf = (deployment: string) => lab.ok(`linkerd diagnostics proxy-metrics -n shop deploy/${deployment}`);

/** The value of a sample of the metrics text; 0 when it is not there. */
function sample(metrics: string, nameAndLabels: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${nameAndLabels} `));
  return Number(line?.slice(nameAndLabels.length) ?? 0);
}

describe('a TLS client with a certificate of another root', () => {
  const foreign = async (): Promise<CertificateAndKey> => {
    const root = await createCertificate({ commonName: 'root.linkerd.cluster.local', isCa: true, days: 1 });
    const name = identityOf('odd');
    return createCertificate({ commonName: name, dnsNames: [name], days: 1, issuer: root });
  };

  for (const [what, port, alpn] of [
    ["the proxy's own port", 4143, ['transport.l5d.io/v1']],
    ["the application's port", 8080, undefined],
  ] as const)
    test(`gets no answer on ${what}; the proxy logs and counts it`, { timeout: MINUTE_MS }, async () => {
      const { certificate, key } = await foreign();
      const address = (await kubectl("get pod -l app=web -o jsonpath='{.items[0].status.podIP}'")).trim();
      const counted = async () => sample(await metricsOf('web'), 'inbound_tcp_errors_total{error="unexpected"}');
      const logged = async () =>
        (await kubectl('logs deploy/web -c linkerd-proxy')).match(/does not chain to the trust anchors/g)?.length ?? 0;
      const before = { counted: await counted(), logged: await logged() };
      const to = { address, port, serverName: identityOf('web'), ...(alpn && { alpn }) };
      const [withForeign] = await attempts([{ ...to, certificate, key }]);
      assert.equal(withForeign?.answer, undefined, `answered: ${withForeign?.answer}`);
      assert.doesNotMatch(withForeign?.error ?? '', /nothing within/, 'the connection was left hanging');
      await eventually('the refusal is logged', 10_000, async () => (await logged()) > before.logged || undefined);
      await eventually('the refusal is counted', 10_000, async () => (await counted()) > before.counted || undefined);
    });

  test('without any certificate is answered as an unauthenticated client', { timeout: MINUTE_MS }, async () => {
    const address = (await kubectl("get pod -l app=web -o jsonpath='{.items[0].status.podIP}'")).trim();
    const [anonymous] = await attempts([{ address, port: 8080, serverName: identityOf('web') }]);
    assert.match(anonymous?.answer ?? '', /^HTTP\/1\.1 200 /);
  });
});

describe('the identity service', () => {
  test('certifies nobody whose token or request does not prove the name', { timeout: 2 * MINUTE_MS }, async () => {
    const web = identityOf('web');
    const token = (words = '') =>
      kubectl(`create token web --audience identity.l5d.io ${words}`).then((text) => text.trim());
    const good = await token();
    const [head = '', , signature = ''] = good.split('.');
    const claims = { ...JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString()) } as { exp: number };
    claims.exp += 86_400;
    const prolonged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    const pod = await kubectl("get pod -l app=web -o jsonpath='{.items[0].metadata.name}'");
    const bound = await token(`--bound-object-kind Pod --bound-object-name ${pod}`);
    const cases: BadRequest[] = [
      ...(await badSigningRequests(web)).map(([what, der, code, message]): BadRequest => {
        return [what, { token: good, der }, code, message];
      }),
      ['expired', { token: await expiredToken('web') }, /INVALID_ARGUMENT|FAILED_PRECONDITION/, /has expired/],
      ['token without end', { token: 'x'.repeat(100_000) }, /^INVALID_ARGUMENT$/, /token of 100000 bytes/],
      ['garbage', { token: 'garbage' }, /INVALID_ARGUMENT|FAILED_PRECONDITION/, /review failed|not authentic/],
      [
        'prolonged by its bearer',
        { token: prolonged },
        /INVALID_ARGUMENT|FAILED_PRECONDITION/,
        /review failed|not authentic/,
      ],
      ['no token', { token: '' }, /^INVALID_ARGUMENT$/, /missing token/],
      [
        'name of another',
        { token: good, identity: identityOf('odd'), csr: identityOf('odd') },
        /^FAILED_PRECONDITION$/,
        /the token is of "web\./,
      ],
      [
        'request of another',
        { token: good, csr: identityOf('odd') },
        /^(FAILED_PRECONDITION|INVALID_ARGUMENT)$/,
        /invalid (CN|DNS name)/,
      ],
    ];
    await throughPortForward('deploy/linkerd-identity', 8080, async (port) => {
      const ask = (request: Asked) => certify(port, { identity: web, csr: web, ...request });
      const issued = async () =>
        sumOf(await lab.ok('linkerd diagnostics controller-metrics'), 'grpc_server_handled_total', {
          grpc_method: 'Certify',
          grpc_code: 'OK',
        });
      assert.equal((await ask({ token: good })).code, 'OK');
      assert.equal((await ask({ token: bound })).code, 'OK');
      const before = await issued();
      for (const [what, request, code, message] of cases) {
        const answer = await ask(request);
        assert.match(answer.code, code, `${what}: ${answer.message}`);
        assert.match(answer.message, message, what);
      }
      // Larger than any message may be: gRPC's own limit, before the service sees it.
      assert.equal((await ask({ token: good, der: new Uint8Array(5_000_000) })).code, 'RESOURCE_EXHAUSTED');
      assert.equal(await issued(), before, 'nothing was issued');
      await kubectl(`delete pod ${pod} --wait`);
      const ended = await eventually('the token ended with what it was bound to', 20_000, async () => {
        const answer = await ask({ token: bound });
        return answer.code === 'OK' ? undefined : answer;
      });
      assert.match(ended.code, /INVALID_ARGUMENT|FAILED_PRECONDITION/);
    });
    const log = await lab.ok('kubectl -n linkerd logs deploy/linkerd-identity -c identity');
    assert.equal(log.match(/refused a certificate/g)?.length, cases.length + 1, log);
    const metrics = await lab.ok('linkerd diagnostics controller-metrics');
    assert.match(metrics, /^certify_refused_total\{reason="FAILED_PRECONDITION"\} [1-9]/m);
    assert.match(
      metrics,
      /^grpc_server_handled_total\{[^}]*grpc_method="Certify",grpc_code="FailedPrecondition"\} [1-9]/m,
    );
  });
});

/** [manifest, what kubectl says]. All are applied to the namespace shop, and fail with exit code 1. */
type BadManifest = readonly [manifest: string, message: RegExp];
const profile = (routes: string) =>
  `{apiVersion: linkerd.io/v1alpha2, kind: ServiceProfile, metadata: {name: web.shop.svc.cluster.local}, spec: {routes: ${routes}}}`;
const policy = (kind: string, version: string, spec: string) =>
  `{apiVersion: policy.linkerd.io/${version}, kind: ${kind}, metadata: {name: web}, spec: ${spec}}`;
const TARGET = 'targetRef: {group: policy.linkerd.io, kind: Server, name: web}';
const PODS = 'podSelector: {matchLabels: {app: web}}';

const KUBERNETES: readonly BadManifest[] = [
  [
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, dta: {a: b}}',
    /\(BadRequest\).*ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"/,
  ],
  [
    '{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: "eighty"}]}}',
    /\(BadRequest\).*json: cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32/,
  ],
  [
    '{apiVersion: v1, kind: Pod, metadata: {name: X_y}, spec: {containers: []}}',
    /The Pod "X_y" is invalid: \n\* metadata\.name: Invalid value: "X_y": a lowercase RFC 1123 subdomain .*\n\* spec\.containers: Required value/,
  ],
  [
    '{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: app, image: debian}]}}}}',
    /The Deployment "web" is invalid: spec\.selector: Invalid value: .*: field is immutable/,
  ],
  [
    '{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.9.9, ports: [{port: 80}]}}',
    /The Service "web" is invalid: spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.9\.9"\]: may not change once set/,
  ],
  [
    '{apiVersion: v2, kind: Nope, metadata: {name: x}}',
    /no matches for kind "Nope" in version "v2"\nensure CRDs are installed first/,
  ],
  [
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: nowhere}}',
    /the namespace from the provided object "nowhere" does not match the namespace "shop"/,
  ],
];

const VALIDATORS: readonly BadManifest[] = [
  [
    profile('[{name: r, condition: {}}]'),
    /denied the request: .*spec\.routes\[0\]\.condition: a condition must set a field/,
  ],
  [
    profile('[{name: r, condition: {method: GET}, timeout: soon}]'),
    /spec\.routes\[0\]\.timeout: expected a duration such as 300ms or 1m30s, got "soon"/,
  ],
  [
    profile('[{name: r, condition: {pathRegex: "/("}}]'),
    /spec\.routes\[0\]\.condition\.pathRegex: "\/\(" is no regular/,
  ],
  [profile('{}'), /spec\.routes: Invalid value: "object": spec\.routes in body must be of type array: "object"/],
  [
    policy('Server', 'v1beta3', `{${PODS}, port: 99999}`),
    /denied the request: .*port: expected 1 to 65535 or a port name, got 99999/,
  ],
  [
    policy('Server', 'v1beta3', `{${PODS}, port: http, proxyProtocol: HTTP/9}`),
    /denied the request: .*proxyProtocol: expected one of .*, got "HTTP\/9"/,
  ],
  [
    policy('Server', 'v1beta3', '{port: 80}'),
    /The Server "web" is invalid: .*"spec" must validate one and only one schema/s,
  ],
  [
    policy(
      'AuthorizationPolicy',
      'v1alpha1',
      '{targetRef: {group: core, kind: Service, name: web}, requiredAuthenticationRefs: []}',
    ),
    /denied the request: .*targetRef: expected Server, HTTPRoute, GRPCRoute or Namespace, got Service/,
  ],
  [
    policy(
      'AuthorizationPolicy',
      'v1alpha1',
      `{${TARGET}, requiredAuthenticationRefs: [{kind: ServiceAccount, name: a}, {kind: ServiceAccount, name: b}]}`,
    ),
    /denied the request: .*only a single ServiceAccount may be set/,
  ],
];

async function refused([manifest, message]: BadManifest): Promise<void> {
  const { code, stdout, stderr } = await lab.sh('kubectl -n shop apply -f -', { input: `---\n${manifest}\n` });
  assert.equal(code, 1, `${manifest}\n${stdout}${stderr}`);
  assert.match(stderr, message);
}

describe('kubectl apply', () => {
  test("fails with Kubernetes' words on what is no object", { timeout: MINUTE_MS }, async () => {
    for (const bad of KUBERNETES) await refused(bad);
  });

  test('fails with the words of the validators on what no proxy could follow', { timeout: MINUTE_MS }, async () => {
    for (const bad of VALIDATORS) await refused(bad);
    assert.equal(await kubectl('get serviceprofiles,servers,authorizationpolicies -o name'), '');
    const metrics = await lab.ok('linkerd diagnostics controller-metrics');
    for (const kind of ['ServiceProfile', 'Server', 'AuthorizationPolicy'])
      assert.ok(sample(metrics, `admission_reviews_total{kind="${kind}",allowed="false"}`) > 0, kind);
  });

  test('of a workload whose inject annotation is no known word gives no proxy, and an event says why', {
    timeout: MINUTE_MS,
  }, async () => {
    const containers = await kubectl(
      "get pod -l app=odd -o jsonpath='{.items[0].spec.initContainers[*].name} {.items[0].spec.containers[*].name}'",
    );
    assert.equal(containers.trim(), 'app');
    const events =
      "get events --field-selector involvedObject.name=odd,reason=InjectionSkipped -o jsonpath='{.items[*].message}'";
    assert.match(await kubectl(events), /linkerd\.io\/inject/);
    assert.match(
      await lab.ok('linkerd diagnostics controller-metrics'),
      /^proxy_inject_admission_responses_total\{skip="true",skip_reason="invalid_inject_annotation_at_workload",[^}]*\} [1-9]/m,
    );
  });
});

interface TlsAttempt {
  address: string;
  port: number;
  serverName: string;
  alpn?: readonly string[];
  certificate?: string;
  key?: string;
}

/** Connects from the lab's network, one attempt after the other. */
async function attempts(each: readonly TlsAttempt[]): Promise<{ secured: boolean; answer?: string; error?: string }[]> {
  const client = `${process.execPath} ${join(import.meta.dirname, 'tls-client.ts')}`;
  const input = each.map((attempt) => `${JSON.stringify(attempt)}\n`).join('');
  const output = await lab.ok(`weft lab shell --name ${lab.name} -- ${client}`, { input });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { secured: boolean; answer?: string; error?: string });
}

/** Runs `action` while kubectl forwards a local port to a pod of the control plane. */
async function throughPortForward(
  target: string,
  targetPort: number,
  action: (port: number) => Promise<void>,
): Promise<void> {
  const kubeconfig = await lab.ok('printf %s "$KUBECONFIG"');
  const words = ['--kubeconfig', kubeconfig, '-n', 'linkerd', 'port-forward', target, `:${targetPort}`];
  const child = spawn('kubectl', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    });
  try {
    const port = await eventually('kubectl forwards', 20_000, async () => {
      if (child.exitCode !== null) throw new Error(`kubectl port-forward: ${output}`);
      return /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output)?.[1];
    });
    await action(Number(port));
  } finally {
    if (child.exitCode === null) {
      child.kill();
      await once(child, 'exit');
    }
  }
}

/** What is asked, and how it is refused. */
type BadRequest = [what: string, request: Asked, code: RegExp, message: RegExp];

interface Asked {
  token: string;
  /** The signing request; default: one of `csr`, as it should be. */
  der?: Uint8Array;
  /** The name asked for; default `web`. */
  identity?: string;
  /** The name in the signing request; default `web`. */
  csr?: string;
}

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

type Names = ConstructorParameters<typeof x509.SubjectAlternativeNameExtension>[0];
async function signingRequest(cn: string, names: Names, algorithm: EcKeyGenParams | RsaHashedKeyGenParams = EC) {
  const keys = (await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${cn}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension(names)],
  });
  return new Uint8Array(request.rawData);
}

/** Signing requests of `web` that ask for more than its name, or prove nothing. */
async function badSigningRequests(
  web: string,
): Promise<[what: string, der: Uint8Array, code: RegExp, message: RegExp][]> {
  const own = { type: 'dns', value: web } as const;
  const tampered = await signingRequest(web, [own]);
  tampered[tampered.length - 1]! ^= 1;
  const weak = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const many = Array.from({ length: 1_000 }, (_, i) => ({ type: 'dns', value: `${i}.${web}` }) as const);
  return [
    [
      'second name',
      await signingRequest(web, [own, { type: 'dns', value: 'x.example' }]),
      /^FAILED_PRECONDITION$/,
      /exactly one DNS name, got 2/,
    ],
    [
      'address',
      await signingRequest(web, [own, { type: 'ip', value: '10.0.0.1' }]),
      /^FAILED_PRECONDITION$/,
      /cannot validate ip names/,
    ],
    [
      'URI',
      await signingRequest(web, [own, { type: 'url', value: 'spiffe://x/y' }]),
      /^FAILED_PRECONDITION$/,
      /cannot validate url names/,
    ],
    ['common name', await signingRequest(identityOf('odd'), [own]), /^FAILED_PRECONDITION$/, /invalid CN/],
    ['signature of another key', tampered, /^INVALID_ARGUMENT$/, /not signed with its own key|cannot be read/],
    ['weak key', await signingRequest(web, [own], weak), /^INTERNAL$/, /must be ECDSA/],
    ['request without end', await signingRequest(web, many), /^INVALID_ARGUMENT$/, /signing request of \d+ bytes/],
    ['request that is none', new Uint8Array([1, 2, 3]), /^INVALID_ARGUMENT$/, /cannot be read/],
  ];
}

/** A token of the account as the cluster gave it two hours ago, for one hour. */
async function expiredToken(account: string): Promise<string> {
  const kubeconfig = (await lab.ok('printf %s "$KUBECONFIG"')).trim();
  const log = sqliteLog(join(dirname(kubeconfig), 'clusters', 'west', 'data', 'state.sqlite'));
  const keys = log.readNote('cluster-keys') ?? assert.fail('the lab keeps its keys elsewhere');
  log.close();
  const authority = await TokenAuthority.open(JSON.parse(keys));
  const uid = await kubectl(`get serviceaccount ${account} -o jsonpath='{.metadata.uid}'`);
  const grant = { namespace: 'shop', serviceAccount: { name: account, uid }, audiences: ['identity.l5d.io'] };
  const { token } = await authority.issue({ ...grant, expirationSeconds: 3_600 }, Date.now() - 2 * 3_600_000);
  return token;
}

async function certify(
  port: number,
  { token, identity, csr, der }: Asked & Required<Omit<Asked, 'der'>>,
): Promise<{ code: string; message: string }> {
  const client = createGrpcClient({
    authority: 'linkerd-identity-headless.linkerd.svc.cluster.local.:8080',
    connect: async () => {
      const socket = net.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  });
  try {
    await client.unary(
      api.Identity.method.certify,
      {
        identity,
        token: Buffer.from(token),
        certificateSigningRequest: der ?? (await signingRequest(csr, [{ type: 'dns', value: csr }])),
      },
      { timeoutMs: 10_000 },
    );
    return { code: 'OK', message: '' };
  } catch (error) {
    const { code, message } = GrpcError.from(error);
    return { code, message };
  } finally {
    client.close();
  }
}
