/** Objects as kubectl handles them: create, apply in both ways, diff, label, scale, get in every format, explain, describe, delete. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeNodesCluster, startFakeNodesCluster } from './cluster.ts';

let cluster: FakeNodesCluster;
before(async () => {
  cluster = await startFakeNodesCluster();
});
after(async () => {
  await cluster.close();
});

const k = (command: string, input?: string): Promise<string> => cluster.kubectl(command, input);
const json = async (command: string) => JSON.parse(await k(`${command} -o json`));
const refused = async (command: string, input?: string): Promise<string> => {
  const { code, stdout, stderr } = await cluster.tryKubectl(command, input);
  assert.notEqual(code, 0, `kubectl ${command} should have failed\n${stdout}`);
  return stderr;
};

const web = (image: string, extra = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: ${image}
        ports: [{containerPort: 80}]
${extra}---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

test('apply creates, then sees that nothing changed, then changes; diff tells the change and leaves no trace', async () => {
  assert.equal(await k('apply -f -', web('one:1')), 'deployment.apps/web created\nservice/web created\n');
  await k('rollout status deployment/web --timeout=20s');
  const before = (await json('get deployment web')).metadata.resourceVersion;
  assert.equal(await k('apply -f -', web('one:1')), 'deployment.apps/web unchanged\nservice/web unchanged\n');
  const diff = await cluster.tryKubectl('diff -f -', web('one:2'));
  assert.equal(diff.code, 1);
  assert.match(diff.stdout, /^-\s+- image: one:1\n\+\s+- image: one:2$/m);
  assert.equal((await json('get deployment web')).metadata.resourceVersion, before);
  assert.match(await k('apply -f -', web('one:2')), /deployment.apps\/web configured/);
  assert.equal((await json('get deployment web')).metadata.generation, 2);
});

test('a changed variable of a container keeps what others put beside it', async () => {
  const sidecar = { spec: { template: { spec: { containers: [{ name: 'injected', image: 'proxy:1' }] } } } };
  await k(`patch deployment web -p '${JSON.stringify(sidecar)}'`);
  await k('apply -f -', web('one:2', '        env: [{name: A, value: b}]\n'));
  const { containers } = (await json('get deployment web')).spec.template.spec;
  assert.deepEqual(containers.map((one: { name: string }) => one.name).sort(), ['injected', 'main']);
});

test('server-side apply after client-side apply ends with the two expected managers, and conflicts afterwards', async () => {
  const map = (value: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: both}\ndata: {a: "${value}"}\n`;
  await k('apply -f -', map('1'));
  assert.equal(await k('apply --server-side -f -', map('2')), 'configmap/both serverside-applied\n');
  const { metadata, data } = await json('get configmap both --show-managed-fields');
  assert.deepEqual(data, { a: '2' });
  assert.deepEqual(
    metadata.managedFields.map(({ manager, operation }: Record<string, string>) => `${manager} ${operation}`),
    ['kubectl Apply', 'kubectl-last-applied Apply'],
  );
  const revision = metadata.resourceVersion;
  await k('apply --server-side -f -', map('2'));
  assert.equal((await json('get configmap both')).metadata.resourceVersion, revision);
  const conflict = await refused('apply --server-side --field-manager=other -f -', map('3'));
  assert.match(conflict, /Apply failed with 1 conflict: conflict with "kubectl": .data.a/);
  await k('apply --server-side --field-manager=other --force-conflicts -f -', map('3'));
  assert.deepEqual((await json('get configmap both')).data, { a: '3' });
});

test('objects are created with the verbs that send protobuf', async () => {
  assert.equal(await k('create configmap made --from-literal=a=b'), 'configmap/made created\n');
  assert.equal(await k('create secret generic hidden --from-literal=p=q'), 'secret/hidden created\n');
  assert.equal((await json('get secret hidden')).data.p, 'cQ==');
  assert.equal(await k('create namespace other'), 'namespace/other created\n');
  assert.equal(await k('create deployment other -n other --image=x --replicas=3'), 'deployment.apps/other created\n');
  assert.equal((await json('get deployment other -n other')).spec.replicas, 3);
  assert.equal(await k('create service clusterip svc --tcp=80:8080'), 'service/svc created\n');
  assert.equal(
    await k('create role reader --verb=get,list --resource=pods,deployments.apps'),
    'role.rbac.authorization.k8s.io/reader created\n',
  );
  assert.equal(await k('create job once --image=x'), 'job.batch/once created\n');
  assert.equal(await k('create cronjob often --image=x --schedule="*/5 * * * *"'), 'cronjob.batch/often created\n');
  assert.equal(await k('create ingress in --rule="a.example/*=svc:80"'), 'ingress.networking.k8s.io/in created\n');
  assert.equal(await k('create quota q --hard=pods=5'), 'resourcequota/q created\n');
  assert.equal(
    await k('create poddisruptionbudget pdb --selector=app=web --min-available=1'),
    'poddisruptionbudget.policy/pdb created\n',
  );
  assert.equal(await k('create priorityclass high --value=1000'), 'priorityclass.scheduling.k8s.io/high created\n');
  assert.match(
    await refused('create configmap made --from-literal=a=b'),
    /Error from server \(AlreadyExists\)|error: failed to create configmap: configmaps "made" already exists/,
  );
});

test('labels, annotations, scale and single fields are changed', async () => {
  assert.equal(await k('label deployment web tier=front'), 'deployment.apps/web labeled\n');
  assert.match(
    await refused('label deployment web tier=back'),
    /'tier' already has a value \(front\), and --overwrite is false/,
  );
  assert.equal(await k('label deployment web tier-'), 'deployment.apps/web unlabeled\n');
  assert.equal(await k('annotate deployment web note=hello'), 'deployment.apps/web annotated\n');
  assert.equal(await k('scale deployment web --replicas=3'), 'deployment.apps/web scaled\n');
  assert.match(
    await refused('scale deployment web --current-replicas=7 --replicas=1'),
    /Expected replicas to be 7, was 3/,
  );
  await k('rollout status deployment/web --timeout=20s');
  assert.equal(await k("get deployment web -o jsonpath='{.status.readyReplicas}'"), '3');
  const json6902 = JSON.stringify([{ op: 'replace', path: '/spec/replicas', value: 1 }]);
  assert.equal(await k(`patch deployment web --type=json -p '${json6902}'`), 'deployment.apps/web patched\n');
  assert.match(
    await refused(`patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":9}]'`),
    /testing value \/spec\/replicas failed/,
  );
  assert.equal(await k('set image deployment/web main=one:3'), 'deployment.apps/web image updated\n');
  assert.equal(
    await k('patch deployment web --subresource=scale --type=merge -p \'{"spec":{"replicas":2}}\''),
    'scale.autoscaling/web patched\n',
  );
});

test('get shows the columns of each kind, wide ones, labels, sorted, as YAML, by name and by path', async () => {
  await k('rollout status deployment/web --timeout=20s');
  const [header, row] = (await k('get deployment web -o wide')).split('\n');
  assert.match(header ?? '', /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR$/);
  assert.match(row ?? '', /^web +2\/2 +2 +2 +\S+ +main,injected|injected,main/);
  assert.match(
    await k('get service web'),
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP +10\.96\.\S+ +<none> +80\/TCP/,
  );
  assert.match(
    await k('get pods -l app=web -o wide'),
    /READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb-\S+ +2\/2 +Running +0/,
  );
  assert.match(
    await k('get deployments -A --show-labels --sort-by=.metadata.name'),
    /LABELS\n(.*\n)*default +web .*app=web/,
  );
  assert.match(await k('get deployment/web -o yaml'), /^apiVersion: apps\/v1\nkind: Deployment\n/);
  assert.equal(await k('get deployment web -o name'), 'deployment.apps/web\n');
  assert.equal(
    await k("get pods -l 'app in (web),!nothing' --field-selector=status.phase=Running -o name | wc -l"),
    '2\n',
  );
  assert.match(await k('get all'), /deployment\.apps\/web/);
  assert.match(await refused('get pods --field-selector=spec.nothing=1'), /field label not supported: spec\.nothing/);
  assert.match(
    await refused('get deployment nothing'),
    /^Error from server \(NotFound\): deployments\.apps "nothing" not found/,
  );
  assert.match(await refused('get nothings'), /the server doesn't have a resource type "nothings"/);
});

test('describe and explain have something to say', async () => {
  assert.match(await k('describe deployment web'), /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available/);
  assert.match(await k('describe service web'), /Endpoints: +10\.42\./);
  assert.match(await k('explain deployment.spec.strategy.rollingUpdate.maxSurge'), /FIELD: maxSurge <IntOrString>/);
  assert.match(await k('explain pods --recursive'), /terminationGracePeriodSeconds/);
  assert.match(await k('api-resources --verbs=list -o name'), /^deployments\.apps$/m);
  assert.match(await k('api-versions'), /^networking\.k8s\.io\/v1$/m);
});

test('bad input gets the error that Kubernetes gives', async () => {
  const unknown = web('x').replace('  replicas: 2', '  replicas: 2\n  replcas: 3');
  assert.match(await refused('apply -f -', unknown), /strict decoding error: unknown field "spec\.replcas"/);
  const wrong = web('x').replace('replicas: 2', 'replicas: two');
  assert.match(
    await refused('create -f -', wrong.replaceAll('name: web', 'name: wrong')),
    /cannot unmarshal string into Go struct field .*replicas of type int32/,
  );
  const selector = web('x')
    .replace('matchLabels: {app: web}', 'matchLabels: {app: web, x: "y"}')
    .replace('labels: {app: web}}\n    spec', 'labels: {app: web, x: "y"}}\n    spec');
  assert.match(await refused('apply -f -', selector), /spec\.selector: Invalid value: .*: field is immutable/);
  assert.match(
    await refused('create configmap Bad_Name'),
    /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain/,
  );
  assert.match(await refused('create configmap x -n nowhere'), /namespaces "nowhere" not found/);
  assert.match(
    await refused('delete namespace default'),
    /namespaces "default" is forbidden: this namespace may not be deleted/,
  );
  const taken =
    'apiVersion: v1\nkind: Service\nmetadata: {name: taken}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 1}]}';
  assert.match(
    await refused('apply -f -', taken),
    /spec\.clusterIPs: Invalid value: .*10\.96\.0\.1.*: failed to allocate IP 10\.96\.0\.1: provided IP is already allocated/,
  );
});

test('a dry run on the server answers as if, and stores nothing', async () => {
  assert.equal(await k('create configmap dry --dry-run=server'), 'configmap/dry created (server dry run)\n');
  assert.match(await refused('get configmap dry'), /not found/);
  assert.equal(await k('delete service web --dry-run=server'), 'service "web" deleted (server dry run)\n');
  await k('get service web');
});

test('get -w shows changes as rows while they happen', async () => {
  await k('create configmap seen --from-literal=a=1');
  const watching = cluster.tryKubectl('get configmap seen -w --request-timeout=4s');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await k('patch configmap seen -p \'{"data":{"b":"2"}}\'');
  await k('delete configmap seen');
  const { stdout } = await watching;
  const counts = stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ +/)[1]);
  assert.deepEqual(counts, ['1', '2', '2']);
});

test('wait ends when its condition holds, and when the object is gone', async () => {
  await k('create configmap going');
  const waiting = k('wait --for=delete configmap/going --timeout=10s');
  // Long enough for kubectl to have begun its watch; if it has not, it ends without a word, as it found nothing.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await k('delete configmap going');
  assert.equal(await waiting, 'configmap/going condition met\n');
  assert.match(await k('wait --for=condition=Available deployment/web --timeout=10s'), /condition met/);
  assert.match(
    await k("wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=10s"),
    /condition met/,
  );
  assert.match(
    await refused('wait --for=condition=Nothing deployment/web --timeout=1s'),
    /timed out waiting for the condition/,
  );
});

test('replace, edit by script and delete by label do what they say', async () => {
  const current = await json('get configmap made');
  await k('replace -f -', JSON.stringify({ ...current, data: { a: 'replaced' } }));
  assert.deepEqual((await json('get configmap made')).data, { a: 'replaced' });
  assert.match(
    await refused('replace -f -', JSON.stringify(current)),
    /the object has been modified; please apply your changes to the latest version/,
  );
  await k('label configmap made batch=1');
  await k('create configmap made2');
  await k('label configmap made2 batch=1');
  assert.equal(await k('delete configmap -l batch=1'), 'configmap "made" deleted\nconfigmap "made2" deleted\n');
  assert.equal(await k('delete namespace other --timeout=20s'), 'namespace "other" deleted\n');
});
