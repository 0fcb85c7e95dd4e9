/**
 * The command line as its user meets it: every verb that looks at a meshed cluster is run against one, from outside, and what
 * it prints is held against what the cluster is known to hold.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import {
  deploy,
  eventually,
  type Lab,
  requireProgram,
  shop,
  startLab,
  webContainer,
  workload,
} from '../../harness/index.ts';

const MINUTE_MS = 60_000;

/** `web` is opened to all by one policy and to meshed clients on a route by another; `odd` is annotated with slips. */
const APP = shop(`---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {name: web-http, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, port: http, proxyProtocol: HTTP/1}
---
apiVersion: policy.linkerd.io/v1beta3
kind: HTTPRoute
metadata: {name: web-get, namespace: shop}
spec:
  parentRefs: [{group: policy.linkerd.io, kind: Server, name: web-http}]
  rules: [{matches: [{path: {type: PathPrefix, value: /}, method: GET}]}]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: NetworkAuthentication
metadata: {name: everywhere, namespace: shop}
spec: {networks: [{cidr: 0.0.0.0/0}]}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: web-route, namespace: shop}
spec:
  targetRef: {group: policy.linkerd.io, kind: HTTPRoute, name: web-get}
  requiredAuthenticationRefs: [{group: policy.linkerd.io, kind: NetworkAuthentication, name: everywhere}]
---
apiVersion: policy.linkerd.io/v1beta1
kind: ServerAuthorization
metadata: {name: web-all, namespace: shop}
spec: {server: {name: web-http}, client: {unauthenticated: true}}
${workload('web', webContainer('hi'))}
${workload('odd', webContainer('hi'), {
  annotations: 'config.linkerd.io/proxy-cpu-request: lots, config.linkerd.io/skip-inboud-ports: "22"',
})}
`);
const SLIPS = [
  'config.linkerd.io/proxy-cpu-request: expected a quantity such as 100m or 64Mi, got "lots"; ignored',
  'config.linkerd.io/skip-inboud-ports: not known; did you mean config.linkerd.io/skip-inbound-ports?; ignored',
];

const PLAIN = workload('stranger', webContainer('by hand')).replace(/^\n---\n/, '');

let lab: Lab;
let pod = '';
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west', '--mesh']);
    await deploy(lab, APP);
    pod = (await kubectl("get pod -l app=web -o jsonpath='{.items[0].metadata.name}'")).trim();
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const kubectl = (words: string) => lab.ok(`kubectl -n shop ${words}`);

describe('check', () => {
  test('before an installation it says that there is one', { timeout: MINUTE_MS }, async () => {
    const done = await lab.sh('linkerd check --pre');
    assert.equal(done.code, 1);
    assert.match(
      done.stdout,
      /^pre-kubernetes-setup\n-{20}\n× control plane namespace does not already exist\n {4}The "linkerd" namespace already exists\n {4}see docs\/reference\/checks\.md#pre-ns for hints\n/m,
    );
    assert.match(done.stdout, /√ can create ServiceAccounts\n/);
    assert.match(done.stdout, /Status check results are ×\n$/);
    const fresh = await lab.ok('linkerd check --pre -L fresh');
    assert.match(fresh, /^√ can create non-namespaced resources$/m);
    assert.doesNotMatch(fresh, /^[×‼]/m);
    assert.equal((await lab.sh('kubectl get ns fresh')).code, 1, 'nothing was kept');
  });

  test('definitions alone', { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd check --crds');
    assert.match(text, /^linkerd-crd\n-{11}\n√ control plane CustomResourceDefinitions exist\n$/m);
    assert.doesNotMatch(text, /linkerd-existence/);
  });

  test('of proxies: what is annotated in vain is a warning, and no failure', { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd check --proxy');
    for (const line of ['data plane proxies are ready', 'opaque ports are properly annotated'])
      assert.match(text, new RegExp(`^√ ${line}$`, 'm'));
    assert.match(text, /^‼ data plane annotations are understood\n {4}Some annotations have no effect:\n/m);
    for (const slip of SLIPS) assert.ok(text.includes(`    * ${slip} (pod shop/odd-`), text);
    assert.doesNotMatch(text, /^×/m);
    assert.doesNotMatch(text, /linkerd-cni-plugin|linkerd-ha-checks/, 'what does not apply has no header');
    const short = await lab.ok('linkerd check --proxy -o short -n shop');
    assert.match(short, /^linkerd-data-plane\n-{18}\n‼ data plane annotations/);
    assert.doesNotMatch(short, /√ [a-z]/);
  });

  test('in JSON', { timeout: MINUTE_MS }, async () => {
    const { success, categories } = JSON.parse(await lab.ok('linkerd check -o json')) as {
      success: boolean;
      categories: { categoryName: string; checks: { result: string }[] }[];
    };
    assert.ok(success);
    assert.deepEqual(
      categories.map(({ categoryName }) => categoryName),
      [
        'kubernetes-api',
        'kubernetes-version',
        'gateway-api-crd',
        'linkerd-existence',
        'linkerd-config',
        'linkerd-identity',
        'linkerd-webhooks-and-apisvc-tls',
        'control-plane-version',
        'linkerd-control-plane-proxy',
      ],
    );
    assert.ok(categories.every(({ checks }) => checks.every(({ result }) => result === 'success')));
  });

  test('against a release that is expected, all that is older is named', { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd check --proxy --expected-version 99.0.0');
    assert.match(text, /^‼ cli is up-to-date\n {4}is running version \S+ but the latest version is 99\.0\.0$/m);
    assert.match(text, /^‼ data plane is up-to-date\n/m);
  });

  test('of a control plane that is not ready, it waits, then fails and still asks extensions', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    await lab.ok('kubectl -n linkerd scale deploy/linkerd-identity --replicas=0');
    try {
      await eventually('the pod is gone', MINUTE_MS, async () =>
        (await lab.ok('kubectl -n linkerd get pod -l linkerd.io/control-plane-component=identity -o name')) === ''
          ? true
          : undefined,
      );
      const before = Date.now();
      const done = await lab.sh('linkerd check --wait 6s');
      assert.ok(Date.now() - before >= 5_000, 'it tried again');
      assert.equal(done.code, 1);
      assert.match(done.stdout, /× control plane pods are ready\n {4}No running pods for "linkerd-identity"\n/);
      assert.doesNotMatch(done.stdout, /linkerd-config\n-/, 'nothing of the core follows');
    } finally {
      await lab.ok('kubectl -n linkerd scale deploy/linkerd-identity --replicas=1');
      await lab.ok('kubectl -n linkerd wait --for=condition=Available --timeout=60s deploy/linkerd-identity');
    }
  });
});

describe('inject', () => {
  test('slips are warned of when the pod is created, by whoever creates it', { timeout: MINUTE_MS }, async () => {
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'slips',
        namespace: 'shop',
        annotations: { 'config.linkerd.io/proxy-cpu-request': 'lots', 'config.linkerd.io/skip-inboud-ports': '22' },
      },
      spec: { containers: [{ name: 'app', image: 'curlimages/curl', command: ['sleep', '1'] }] },
    };
    const done = await lab.sh('kubectl create -f - --dry-run=server', { input: JSON.stringify(manifest) });
    assert.equal(done.code, 0, done.stderr);
    for (const slip of SLIPS) assert.ok(done.stderr.includes(`Warning: ${slip}`), done.stderr);
  });

  test('whoever writes a workload or a namespace is warned, before there are pods', {
    timeout: MINUTE_MS,
  }, async () => {
    const slips = 'config.linkerd.io/proxy-cpu-request: lots, config.linkerd.io/skip-inboud-ports: "22"';
    const input = workload('late', webContainer('late'), { annotations: slips });
    const done = await lab.sh('kubectl apply --dry-run=server -f -', { input });
    assert.equal(done.code, 0, done.stderr);
    for (const slip of SLIPS) assert.ok(done.stderr.includes(`Warning: ${slip}`), done.stderr);
    const misplaced = await lab.sh('kubectl -n shop annotate --dry-run=server deploy/web linkerd.io/inject=enabled');
    assert.match(
      misplaced.stderr,
      /Warning: linkerd\.io\/inject: has no effect here; pods are annotated in spec\.template/,
    );
    const namespace = await lab.sh('kubectl annotate --dry-run=server ns/shop config.linkerd.io/proxy-uid=0');
    assert.match(
      namespace.stderr,
      /Warning: config\.linkerd\.io\/proxy-uid: expected the number of a user other than root/,
    );
  });

  test('what happened stands below the workload', { timeout: MINUTE_MS }, async () => {
    const text = await kubectl('describe deploy/web');
    assert.match(text, /Injected\s.*Linkerd sidecar proxy injected/);
  });

  test('only what the installation does not do anyway becomes an annotation', { timeout: MINUTE_MS }, async () => {
    const done = await lab.sh('linkerd inject --proxy-uid 2102 --admin-port 5191 --enable-debug-sidecar -', {
      input: PLAIN,
    });
    assert.equal(done.code, 0, done.stderr);
    const [account, deployment] = parseAllDocuments(done.stdout).map((each) => each.toJS());
    assert.equal(account.metadata.annotations, undefined);
    assert.deepEqual(deployment.spec.template.metadata.annotations, {
      'linkerd.io/inject': 'enabled',
      'config.linkerd.io/admin-port': '5191',
      'config.linkerd.io/enable-debug-sidecar': 'true',
    });
    assert.equal(done.stderr, '\nserviceaccount "stranger" skipped\ndeployment "stranger" injected\n\n');
  });

  test('by hand, it runs as an injected one', { timeout: 2 * MINUTE_MS }, async () => {
    const manifest = await lab.ok('linkerd inject --manual -', { input: PLAIN });
    assert.match(manifest, /linkerd\.io\/created-by: linkerd\/cli /);
    await lab.ok('kubectl apply -f -', { input: manifest });
    await kubectl('rollout status deploy/stranger --timeout=60s');
    assert.match(await lab.ok('linkerd diagnostics proxy-metrics -n shop deploy/stranger'), /^# POD stranger-/m);
    const bare = await lab.ok('linkerd uninject -', { input: manifest });
    assert.doesNotMatch(bare, /linkerd/);
    await kubectl('delete deploy/stranger --timeout=60s');
  });

  test('as an ordinary container the proxy comes first, and the application waits for it', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    const annotations = 'config.linkerd.io/proxy-enable-native-sidecar: "false", config.linkerd.io/access-log: json';
    await lab.ok('kubectl apply -f -', { input: workload('beside', webContainer('beside'), { annotations }) });
    await kubectl('rollout status deploy/beside --timeout=60s');
    const names = await kubectl("get pod -l app=beside -o jsonpath='{.items[0].spec.containers[*].name}'");
    assert.equal(names, 'linkerd-proxy app');
    const since = (container: string) =>
      kubectl(
        `get pod -l app=beside -o jsonpath='{.items[0].status.containerStatuses[?(@.name=="${container}")].state.running.startedAt}'`,
      );
    assert.ok(Date.parse(await since('linkerd-proxy')) <= Date.parse(await since('app')));
    assert.match(await lab.ok('linkerd diagnostics proxy-metrics -n shop deploy/beside'), /^# POD beside-/m);
    await kubectl('delete deploy/beside --timeout=60s');
  });

  test('of what cannot have a proxy prints nothing but why', { timeout: MINUTE_MS }, async () => {
    const input = PLAIN.replace('serviceAccountName:', 'hostNetwork: true\n      serviceAccountName:');
    const done = await lab.sh('linkerd inject -', { input });
    assert.deepEqual(
      [done.code, done.stdout, done.stderr],
      [1, '', 'Error transforming resources:\nfailed to inject deployment/stranger: hostNetwork is enabled\n'],
    );
  });
});

describe('what the mesh does', () => {
  test('authz lists who is let in', { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd authz -n shop deploy/web');
    const rows = text.trimEnd().split('\n');
    assert.deepEqual(
      rows.map((row) => row.trim().split(/ {2,}/)),
      [
        ['ROUTE', 'SERVER', 'AUTHORIZATION_POLICY', 'SERVER_AUTHORIZATION'],
        ['*', 'web-http', 'web-all'],
        ['web-get', 'web-http', 'web-route'],
      ],
    );
    assert.equal(await lab.ok('linkerd authz -n shop deploy web'), text);
    assert.equal((await lab.ok('linkerd authz -n shop deploy/odd')).split('\n').length, 2);
  });

  test("identity prints the proxies' certificates", { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd identity -n shop -l app=web');
    const name = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
    assert.ok(text.startsWith(`\nPOD ${pod} (1 of 1)\n\nCertificate:\n    Data:\n        Version: 3 (0x2)\n`), text);
    assert.match(text, new RegExp(`X509v3 Subject Alternative Name:.*\\n {16}DNS:${name}\\n`));
    assert.equal(text.split('Certificate:').length, 2, 'authorities are left out');
    const none = await lab.sh('linkerd identity');
    assert.deepEqual([none.code, none.stderr], [1, 'Provide the pod name argument or use the selector flag\n']);
  });

  test('endpoints, profile and policy are what a proxy is told', { timeout: MINUTE_MS }, async () => {
    const ip = (await kubectl(`get pod ${pod} -o jsonpath='{.status.podIP}'`)).trim();
    const authority = 'web.shop.svc.cluster.local:80';
    const [endpoint] = JSON.parse(await lab.ok(`linkerd diagnostics endpoints ${authority} -o json`));
    assert.deepEqual(
      [endpoint.namespace, endpoint.ip, endpoint.port, endpoint.pod, endpoint.service],
      ['shop', ip, 8080, pod, 'web.shop'],
    );
    const unknown = await lab.sh('linkerd diagnostics endpoints gone.shop.svc.cluster.local:80');
    assert.deepEqual([unknown.code, unknown.stderr], [0, 'No endpoints found.\n']);
    const profile = JSON.parse(await lab.ok(`linkerd diagnostics profile ${authority}`));
    assert.equal(profile.fully_qualified_name, 'web.shop.svc.cluster.local');
    const direct = JSON.parse(await lab.ok(`linkerd diagnostics profile ${ip}:8080`));
    assert.equal(direct.endpoint.metric_labels.pod, pod);
    const inbound = parse(await lab.ok(`linkerd diagnostics policy -n shop po/${pod} 8080`));
    assert.equal(inbound.labels.name, 'web-http');
    assert.ok(inbound.protocol.Kind.Http1, JSON.stringify(inbound.protocol));
    const outbound = JSON.parse(await lab.ok('linkerd diagnostics policy -n shop svc/web 80 -o json'));
    assert.ok(outbound.protocol.Kind.Detect, JSON.stringify(outbound.protocol));
    assert.equal(outbound.metadata.Kind.Resource.name, 'web');
    const wrong = await lab.sh('linkerd diagnostics policy -n shop deploy/web 80');
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [1, 'invalid resource type deploy/web; must be one of Pod or Service\n'],
    );
  });

  test('metrics of proxies and of the control plane', { timeout: MINUTE_MS }, async () => {
    const text = await lab.ok('linkerd diagnostics proxy-metrics -n shop deploy/web');
    assert.ok(text.startsWith(`#\n# POD ${pod} (1 of 1)\n#\n# HELP `), text.slice(0, 200));
    assert.match(await lab.ok('linkerd dg proxy-metrics -n shop deploy/web --obfuscate'), /^process_/m);
    const controllers = await lab.ok('linkerd diagnostics controller-metrics');
    for (const container of ['destination', 'policy', 'identity', 'proxy-injector', 'linkerd-proxy'])
      assert.match(
        controllers,
        new RegExp(`^# POD linkerd-\\S+ \\(\\d+ of \\d+\\)\\n# CONTAINER ${container} \\n#\\n`, 'm'),
      );
    assert.match(controllers, /proxy_inject_admission_requests_total\{[^}]*proxy_cpu_request="lots"/);
  });

  test('version', { timeout: MINUTE_MS }, async () => {
    const version = (await lab.ok('linkerd version --client --short')).trim();
    const meshed = Number(
      (await lab.ok('kubectl get pod -A -l linkerd.io/control-plane-ns=linkerd -o name | wc -l')).trim(),
    );
    assert.equal(
      await lab.ok('linkerd version --proxy'),
      `Client version: ${version}\nServer version: ${version}\nProxy versions:\n\t${version} (${meshed} pods)\n`,
    );
  });
});

describe('what helps to type', () => {
  test('profiles are made of documents', { timeout: MINUTE_MS }, async () => {
    const document = 'swagger: "2.0"\npaths: {"/a/{id}": {get: {responses: {"500": {}}}}}\n';
    const profile = await lab.ok('linkerd profile -n shop --open-api - web', { input: document });
    await lab.ok('kubectl apply -f -', { input: profile });
    const routes = await kubectl("get sp web.shop.svc.cluster.local -o jsonpath='{.spec.routes[*].name}'");
    assert.equal(routes, 'GET /a/{id}');
    const told = JSON.parse(await lab.ok('linkerd diagnostics profile web.shop.svc.cluster.local:80'));
    assert.deepEqual(told.routes[0].metrics_labels, { route: 'GET /a/{id}' });
    const template = await lab.ok('linkerd profile -n shop --template web');
    await lab.ok('kubectl apply --dry-run=server -f -', { input: template });
    const both = await lab.sh('linkerd profile --template --proto x web');
    assert.deepEqual(
      [both.code, both.stderr],
      [1, 'You must specify exactly one of --template or --open-api or --proto\n'],
    );
    await kubectl('delete sp web.shop.svc.cluster.local');
  });

  test('shells complete verbs, kinds and names of the cluster', { timeout: MINUTE_MS }, async () => {
    const script = `source <(linkerd completion bash)
COMP_WORDS=(linkerd "$@"); COMP_CWORD=$#; _weft_complete; echo "\${COMPREPLY[*]}"`;
    const complete = async (words: string) => (await lab.ok(`bash -c '${script}' _ ${words}`)).trim();
    assert.equal(await complete('au'), 'authz');
    assert.equal(await complete('authz -n sh'), 'shop');
    assert.equal(await complete('authz -n shop deploy we'), 'web');
    assert.equal(await complete(`identity -n shop ${pod.slice(0, -2)}`), pod);
    assert.equal(await complete('diagnostics proxy-metrics -n shop deploy/o'), 'deploy/odd');
    for (const shell of ['zsh', 'fish']) assert.match(await lab.ok(`linkerd completion ${shell}`), /__complete/);
  });
});
