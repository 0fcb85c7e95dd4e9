/**
 * A gateway that only exported Services are reached through, and that only one port leads to; behind it each client is itself: requests,
 * calls of gRPC and bytes are authorized by who asks in the other cluster, and nobody passes for another.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, type Lab, requireProgram, shop, startLab, sumOf, workload } from '../../harness/index.ts';

const MINUTE_MS = 60_000;
const MC = 'linkerd-multicluster';
const DOMAIN = 'serviceaccount.identity.linkerd.cluster.local';
const GATEWAY = `linkerd-gateway.${MC}.${DOMAIN}`;
const CLIENT = `client.shop.${DOMAIN}`;
type Cluster = 'west' | 'east';

const node = (program: string) => `[node, -e, ${JSON.stringify(program.replaceAll('\n', ' '))}]`;

/** Tells its clients what it was asked; answers each message of gRPC with itself; says hello to bytes and repeats them. */
const SERVER = `
const tell = (request, response) => response.end(JSON.stringify(request.headers));
require("node:http").createServer(tell).listen(8080);
require("node:http2").createServer().on("stream", (stream) => {
  stream.respond({":status": 200, "content-type": "application/grpc"}, {waitForTrailers: true});
  stream.on("wantTrailers", () => stream.sendTrailers({"grpc-status": "0"}));
  stream.pipe(stream);
}).listen(9090);
require("node:net").createServer((socket) => { socket.on("error", () => socket.destroy()); socket.write("hello "); socket.pipe(socket); }).listen(9000);`;

/** A call of gRPC with as many messages as it is told; says its status, and what came back. */
const CALL = `
const session = require("node:http2").connect("http://web-east:9090");
session.on("error", (error) => { console.log(error.code); process.exit(0); });
const stream = session.request({":method": "POST", ":path": "/chat.Chat/Say", "content-type": "application/grpc", te: "trailers"});
const message = (text) => Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)]);
const count = Number(process.argv[1]); let said = 0; let text = ""; let status = "none";
const say = () => { if (said < count) stream.write(message("m" + said++)); else stream.end(); };
stream.on("response", (head) => { status = head["grpc-status"] ?? status; });
stream.on("trailers", (trailers) => { status = trailers["grpc-status"]; });
stream.on("data", (bytes) => { text += bytes.subarray(5); say(); });
stream.on("close", () => { console.log(status, text); session.close(); });
setTimeout(() => process.exit(1), 8000).unref(); say();`;

const TALK = `
const socket = require("node:net").connect(9000, "web-east"); let text = "";
socket.on("data", (part) => { text += part; if (text.endsWith("ping")) socket.end(); });
socket.on("error", (error) => { text += error.code; });
socket.on("close", () => console.log(text)); socket.write("ping");
setTimeout(() => process.exit(1), 8000).unref();`;

/** Speaks to the gateway without a certificate; what comes back. */
const ANONYMOUS = `
const tls = require("node:tls"); let text = "";
const socket = tls.connect({host: process.argv[1], port: 4143, servername: process.argv[2], ALPNProtocols: ["transport.l5d.io/v1"], rejectUnauthorized: false});
socket.on("secureConnect", () => socket.write("GET / HTTP/1.1\\r\\nhost: web\\r\\n\\r\\n"));
socket.on("data", (part) => { text += part; }); socket.on("error", () => socket.destroy());
socket.on("close", () => console.log("closed" + text)); setTimeout(() => process.exit(1), 8000).unref();`;

const POLICY = `
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels: {mirror.linkerd.io/exported: "true"}
  annotations: {config.linkerd.io/opaque-ports: "9000"}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: grpc, port: 9090}, {name: tcp, port: 9000}]
---
apiVersion: v1
kind: Service
metadata: {name: inner, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
${[
  ['http', 8080, 'HTTP/1'],
  ['grpc', 9090, 'gRPC'],
  ['tcp', 9000, 'opaque'],
]
  .map(
    ([name, port, protocol]) => `
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: {name: ${name}, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, port: ${port}, proxyProtocol: ${protocol}}`,
  )
  .join('')}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: {name: clients, namespace: shop}
spec: {identities: ["${CLIENT}"]}
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: {name: clients, namespace: shop}
spec:
  targetRef: {kind: Namespace, name: shop}
  requiredAuthenticationRefs: [{group: policy.linkerd.io, kind: MeshTLSAuthentication, name: clients}]`;

let lab: Lab;
let gatewayIp = '';
const kubectl = (context: Cluster, words: string, input?: string) =>
  lab.ok(`kubectl --context ${context} ${words}`, { timeoutMs: 2 * MINUTE_MS, ...(input !== undefined && { input }) });

before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    lab = await startLab(['--clusters', 'west,east', '--nodes', '1', '--isolated', '--mesh']);
    const own =
      "--gateway-probe-seconds 1 --gateway-probe-port 4143 --set gateway.serviceSelector='mirror.linkerd.io/exported=true'";
    await lab.ok(`weft --context east multicluster install ${own} | kubectl --context east apply -f -`);
    await lab.ok(
      "weft --context west multicluster install --gateway=false --set 'controllers[0].link.ref.name=east' | kubectl --context west apply -f -",
    );
    const trusted = `gateway.weft.dev/trusted: linkerd-gateway.${MC}`;
    // Policies of declared ports are known from the start.
    const ports = [8080, 9090, 9000].map((port) => `{containerPort: ${port}}`);
    const server = `{name: app, image: debian, command: ${node(SERVER)}, ports: [${ports}]}`;
    const sleeper = '{name: app, image: debian, command: [sleep, infinity]}';
    const unmeshed = { annotations: 'linkerd.io/inject: disabled' };
    const web = workload('web', server, { annotations: 'config.linkerd.io/opaque-ports: "9000"' });
    // Whoever is called client is admitted, wherever it runs: both clusters have one trust domain.
    await kubectl(
      'east',
      'apply -f -',
      shop(web + POLICY + workload('other', sleeper) + workload('stranger', sleeper, unmeshed), trusted),
    );
    await kubectl(
      'west',
      'apply -f -',
      shop(workload('client', sleeper) + workload('other', sleeper) + workload('stranger', sleeper, unmeshed)),
    );
    gatewayIp = await eventually(
      'the gateway has an address',
      MINUTE_MS,
      async () =>
        (await kubectl(
          'east',
          `-n ${MC} get svc linkerd-gateway -o jsonpath='{.status.loadBalancer.ingress[0].ip}'`,
        )) || undefined,
    );
    await lab.ok('weft --context east multicluster link-gen --cluster-name=east | kubectl --context west apply -f -');
    for (const context of ['east', 'west'] as const)
      for (const namespace of ['shop', MC])
        await kubectl(context, `-n ${namespace} wait --for=condition=Available --timeout=100s deploy --all`);
    await kubectl(
      'west',
      'apply -f -',
      byHand('inner', 'inner.shop.svc.cluster.local') + byHand('outside', 'web.example.org'),
    );
    await eventually('an answer from the east', MINUTE_MS, async () => {
      const { status, body } = await ask('client', 'http://web-east/');
      if (status === '200') return true;
      throw new Error(`${status} ${body}`);
    });
  },
  { timeout: 6 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

/** What a mirror of a name consists of, made by somebody who wants to reach what was not exported. */
const byHand = (name: string, fqName: string) => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata:
  name: ${name}
  namespace: shop
  annotations: {mirror.linkerd.io/remote-svc-fq-name: ${fqName}, mirror.linkerd.io/remote-gateway-identity: ${GATEWAY}}
subsets: [{addresses: [{ip: ${gatewayIp}}], ports: [{name: http, port: 4143, protocol: TCP}]}]`;

const exec = (context: Cluster, pod: string, command: string) =>
  lab.sh(`kubectl --context ${context} -n shop exec deploy/${pod} -c app -- ${command}`);

async function ask(pod: string, url: string, header = '', context: Cluster = 'west') {
  const { stdout } = await exec(context, pod, `curl -s -m 10 -w ' %{http_code}' ${header && `-H '${header}'`} ${url}`);
  const at = stdout.lastIndexOf(' ');
  return { body: stdout.slice(0, at), status: stdout.slice(at + 1) };
}
const run = async (pod: string, program: string, ...args: string[]): Promise<string> =>
  (await exec('west', pod, `node -e '${program.replaceAll('\n', ' ')}' ${args.join(' ')}`)).stdout.trim();

/** The sum of a metric of the only pod of a Deployment of the east, over series with these labels. */
async function metric(deployment: string, name: string, labels: Record<string, string>): Promise<number> {
  const [namespace, app] = deployment.split('/');
  const text = await lab.ok(`weft --context east diagnostics proxy-metrics -n ${namespace} deploy/${app}`);
  return sumOf(text, name, labels);
}

const forged = (by: string) => `forwarded: by=${by};for=${CLIENT};host=web;proto=https`;

describe('clients behind a gateway', () => {
  test('the one that is admitted is itself for the application and for metrics, the other is refused', {
    timeout: MINUTE_MS,
  }, async () => {
    const { body } = await ask('client', 'http://web-east/');
    const headers = JSON.parse(body) as Record<string, string>;
    assert.equal(headers['l5d-client-id'], CLIENT);
    assert.match(headers['forwarded'] ?? '', new RegExp(`^by=${GATEWAY};for=${CLIENT};`));
    assert.equal((await ask('other', 'http://web-east/')).status, '403');
    const other = { client_id: `other.shop.${DOMAIN}`, srv_name: 'http' };
    assert.equal(await metric('shop/web', 'inbound_http_authz_deny_total', other), 1);
  });

  test('nobody passes for another, through the gateway or beside it', { timeout: MINUTE_MS }, async () => {
    assert.equal((await ask('other', 'http://web-east/', forged('someone.else'))).status, '403');
    assert.equal((await ask('other', 'http://web-east/', `l5d-client-id: ${CLIENT}`)).status, '403');
    assert.equal((await ask('other', 'http://web-east/', forged(GATEWAY))).status, '508', 'a loop');
    for (const pod of ['other', 'stranger'])
      assert.equal((await ask(pod, 'http://web/', forged(GATEWAY), 'east')).status, '403', pod);
  });

  test('calls of gRPC, with one message and with many', { timeout: MINUTE_MS }, async () => {
    assert.equal(await run('client', CALL, '1'), '0 m0');
    assert.equal(await run('client', CALL, '5'), '0 m0m1m2m3m4');
    assert.equal(await run('other', CALL, '1'), '7');
  });

  test('bytes, where the server speaks first', { timeout: MINUTE_MS }, async () => {
    assert.equal(await run('client', TALK), 'hello ping');
    assert.doesNotMatch(await run('other', TALK), /hello/);
    assert.ok((await metric('shop/web', 'inbound_tcp_authz_deny_total', { srv_name: 'tcp' })) >= 1);
  });

  test('without a certificate nobody is heard', { timeout: MINUTE_MS }, async () => {
    assert.equal(await run('stranger', ANONYMOUS, gatewayIp, GATEWAY), 'closed');
  });

  test('names that are not exported, and those of other domains, are not found', { timeout: MINUTE_MS }, async () => {
    const errors = (error: string) => metric(`${MC}/linkerd-gateway`, 'inbound_http_errors_total', { error });
    assert.equal((await ask('client', 'http://inner/')).status, '404');
    assert.equal(await errors('gateway service not exported'), 1);
    assert.equal((await ask('client', 'http://outside/')).status, '404');
    assert.equal(await errors('gateway domain invalid'), 1);
    await kubectl('east', '-n shop label svc/inner mirror.linkerd.io/exported=true');
    await eventually('an answer', 20_000, async () =>
      (await ask('client', 'http://inner/')).status === '200' ? true : undefined,
    );
    await kubectl('east', '-n shop label svc/inner mirror.linkerd.io/exported-');
    await eventually('none', 20_000, async () =>
      (await ask('client', 'http://inner/')).status === '404' ? true : undefined,
    );
  });

  test('the gateway is probed at its only port', { timeout: MINUTE_MS }, async () => {
    const ports = await kubectl('east', `-n ${MC} get svc linkerd-gateway -o jsonpath='{.spec.ports[*].port}'`);
    assert.equal(ports, '4143');
    await eventually('it is alive', 30_000, async () => {
      const table = await lab.ok('weft --context west multicluster gateways');
      if (/^east +True +1 +\d+ms$/m.test(table)) return true;
      throw new Error(table);
    });
  });
});
