/** The life of pods: order of containers, probes, hooks, ends, volumes, environment, users, logs and exec. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { type LabFixture, shellPod, startFixture, WEB_IMAGE } from './fixture.ts';

let lab: LabFixture;

before(
  async () => {
    lab = await startFixture(['--clusters', 'west', '--restart-backoff', '300']);
  },
  { timeout: 120_000 },
);

after(async () => {
  await lab?.down();
});

type Status = {
  phase: string;
  reason?: string;
  conditions: { type: string; status: string; reason?: string; message?: string }[];
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
};
type ContainerStatus = {
  name: string;
  ready: boolean;
  restartCount: number;
  state: { running?: object; waiting?: { reason: string; message?: string }; terminated?: End };
  lastState: { terminated?: End };
};
type End = { exitCode: number; reason: string; message?: string };

async function statusOf(name: string): Promise<Status> {
  return JSON.parse(await lab.kubectl(`get pod ${name} -o jsonpath='{.status}'`)) as Status;
}

/** Waits until the pod's status is as wanted. */
async function status(
  name: string,
  what: string,
  accepts: (status: Status) => boolean,
  timeoutMs = 20_000,
): Promise<Status> {
  const text = await lab.until(
    `${name}: ${what}`,
    `get pod ${name} -o jsonpath='{.status}'`,
    (output) => output !== '' && accepts(JSON.parse(output) as Status),
    timeoutMs,
  );
  return JSON.parse(text) as Status;
}

const running = (name: string): Promise<Status> =>
  status(name, 'Running and ready', ({ conditions }) =>
    conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );

const events = (name: string): Promise<string> =>
  lab.kubectl(
    `get events --field-selector involvedObject.name=${name} -o jsonpath='{range .items[*]}{.reason}: {.message}{"\\n"}{end}'`,
  );

test('a command that ends well completes the pod; its termination message is kept', async () => {
  await lab.apply(shellPod('done', 'echo out; echo told > /dev/termination-log', { spec: { restartPolicy: 'Never' } }));
  const { containerStatuses, conditions } = await status('done', 'Succeeded', ({ phase }) => phase === 'Succeeded');
  assert.deepEqual(
    { ...containerStatuses?.[0]?.state.terminated, startedAt: 0, finishedAt: 0, containerID: 0 },
    { exitCode: 0, reason: 'Completed', message: 'told\n', startedAt: 0, finishedAt: 0, containerID: 0 },
  );
  assert.equal(conditions.find(({ type }) => type === 'Ready')?.reason, 'PodCompleted');
  assert.equal(await lab.kubectl('logs done'), 'out\n');
});

test('a failing command fails the pod with its code; the log is the message when asked', async () => {
  const container = { terminationMessagePolicy: 'FallbackToLogsOnError' };
  await lab.apply(shellPod('fails', 'echo why >&2; exit 7', { spec: { restartPolicy: 'Never' }, container }));
  const { containerStatuses } = await status('fails', 'Failed', ({ phase }) => phase === 'Failed');
  assert.equal(containerStatuses?.[0]?.state.terminated?.exitCode, 7);
  assert.equal(containerStatuses?.[0]?.state.terminated?.message, 'why\n');
});

test('a crashing container runs again after growing pauses; the log of the run before is kept', async () => {
  await lab.apply(
    shellPod('crashes', 'echo run $(cat /count/n 2>/dev/null | wc -l); echo x >> /count/n; exit 1', {
      container: { volumeMounts: [{ name: 'count', mountPath: '/count' }] },
      spec: { volumes: [{ name: 'count', emptyDir: {} }] },
    }),
  );
  const crashed = await status(
    'crashes',
    'back-off',
    ({ containerStatuses: [one] = [] }) =>
      (one?.restartCount ?? 0) >= 2 && one?.state.waiting?.reason === 'CrashLoopBackOff',
  );
  assert.match(
    crashed.containerStatuses?.[0]?.state.waiting?.message ?? '',
    /back-off .* restarting failed container=main pod=crashes_default/,
  );
  assert.equal(crashed.containerStatuses?.[0]?.lastState.terminated?.exitCode, 1);
  assert.match(await events('crashes'), /BackOff: Back-off restarting failed container main in pod crashes_default/);
  // Both reads must fall between two restarts.
  const runOf = async (args: string): Promise<number> =>
    Number((await lab.kubectl(`logs crashes ${args}`)).split(' ')[1]);
  await eventually('the log of the run before', 10_000, async () => {
    const [before, now] = [await runOf('--previous'), await runOf('')];
    return before === now - 1 ? true : undefined;
  });
});

test('init containers run one after another before the app; a sidecar starts in between and stays', async () => {
  const mounts = { volumeMounts: [{ name: 'd', mountPath: '/d' }] };
  const step = (name: string, rest: object = {}) => ({
    name,
    image: 'busybox',
    command: ['sh', '-c', `echo ${name} >> /d/order`],
    ...mounts,
    ...rest,
  });
  await lab.apply(
    shellPod('ordered', 'cat /d/order; sleep 3600', {
      container: mounts,
      spec: {
        volumes: [{ name: 'd', emptyDir: {} }],
        initContainers: [
          step('first'),
          step('sidecar', {
            restartPolicy: 'Always',
            command: ['sh', '-c', 'sleep 0.3; echo sidecar >> /d/order; touch /d/up; sleep 3600'],
            startupProbe: { exec: { command: ['test', '-f', '/d/up'] }, periodSeconds: 1 },
          }),
          step('last'),
        ],
      },
    }),
  );
  const { initContainerStatuses } = await running('ordered');
  assert.equal(await lab.kubectl('logs ordered -c main'), 'first\nsidecar\nlast\n');
  assert.ok(initContainerStatuses?.[1]?.state.running);
});

test('a failing init container keeps the app waiting', async () => {
  await lab.apply(
    shellPod('held', 'true', {
      spec: { initContainers: [{ name: 'no', image: 'busybox', command: ['sh', '-c', 'exit 3'] }] },
    }),
  );
  const held = await status(
    'held',
    'init restarted',
    ({ initContainerStatuses: [one] = [] }) => (one?.restartCount ?? 0) >= 1,
  );
  assert.equal(held.phase, 'Pending');
  assert.equal(held.containerStatuses?.[0]?.state.waiting?.reason, 'PodInitializing');
});

test('a finished app ends its sidecar and the pod succeeds', async () => {
  const sidecar = {
    name: 'side',
    image: 'busybox',
    restartPolicy: 'Always',
    command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
  };
  await lab.apply(shellPod('job', 'sleep 0.3', { spec: { restartPolicy: 'Never', initContainers: [sidecar] } }));
  await status('job', 'Succeeded', ({ phase }) => phase === 'Succeeded');
});

test('an unknown image says so and backs off', async () => {
  await lab.apply(shellPod('noimage', 'true', { container: { image: 'example.com/none:1' } }));
  await status(
    'noimage',
    'ErrImagePull',
    ({ containerStatuses: [one] = [] }) => one?.state.waiting?.reason === 'ErrImagePull',
  );
  await status(
    'noimage',
    'ImagePullBackOff',
    ({ containerStatuses: [one] = [] }) => one?.state.waiting?.reason === 'ImagePullBackOff',
  );
  assert.match(
    await events('noimage'),
    /Failed to pull image "example.com\/none:1": no image of this name is registered/,
  );
});

test('a program that does not exist is a start error', async () => {
  await lab.apply(
    shellPod('noprogram', '', { container: { command: ['no-such-program'] }, spec: { restartPolicy: 'Never' } }),
  );
  const { containerStatuses } = await status('noprogram', 'Failed', ({ phase }) => phase === 'Failed');
  assert.equal(containerStatuses?.[0]?.state.terminated?.reason, 'StartError');
  assert.match(
    containerStatuses?.[0]?.state.terminated?.message ?? '',
    /exec: "no-such-program": executable file not found in \$PATH/,
  );
});

test('a missing ConfigMap key holds the container back until it is there', async () => {
  const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'late', key: 'k' } } }];
  await lab.apply(shellPod('waits', 'echo X=$X; sleep 3600', { container: { env } }));
  const held = await status(
    'waits',
    'config error',
    ({ containerStatuses: [one] = [] }) => one?.state.waiting?.reason === 'CreateContainerConfigError',
  );
  assert.equal(held.containerStatuses?.[0]?.state.waiting?.message, 'configmap "late" not found');
  await lab.kubectl('create configmap late --from-literal=k=v');
  await running('waits');
  assert.equal(await lab.kubectl('logs waits'), 'X=v\n');
});

test('a missing volume source is told in an event and mounted once it is there', async () => {
  const container = { volumeMounts: [{ name: 's', mountPath: '/s' }] };
  await lab.apply(
    shellPod('unmounted', 'cat /s/k; echo; sleep 3600', {
      container,
      spec: { volumes: [{ name: 's', secret: { secretName: 'later' } }] },
    }),
  );
  await lab.until(
    'FailedMount',
    "get events --field-selector involvedObject.name=unmounted,reason=FailedMount -o jsonpath='{.items[0].message}'",
    (text) => text.includes('MountVolume.SetUp failed for volume "s" : secret "later" not found'),
  );
  await lab.kubectl('create secret generic later --from-literal=k=v');
  await running('unmounted');
  assert.equal(await lab.kubectl('logs unmounted'), 'v\n');
});

test('a ConfigMap volume follows its source in place; a sub path does not', async () => {
  await lab.kubectl('create configmap live --from-literal=k=old');
  const container = {
    volumeMounts: [
      { name: 'c', mountPath: '/c' },
      { name: 'c', mountPath: '/etc/fixed', subPath: 'k' },
    ],
  };
  await lab.apply(
    shellPod('follows', 'sleep 3600', { container, spec: { volumes: [{ name: 'c', configMap: { name: 'live' } }] } }),
  );
  await running('follows');
  await lab.kubectl(`patch configmap live -p '{"data":{"k":"new"}}'`);
  await lab.until('new content', 'exec follows -- cat /c/k', (text) => text === 'new');
  assert.equal(await lab.kubectl('exec follows -- cat /etc/fixed'), 'old');
  await assert.rejects(lab.kubectl('exec follows -- sh -c "echo x > /c/k"'), /Read-only file system/);
});

test('a user other than root reads its token, writes its emptyDir and binds a low port', async () => {
  const token = {
    projected: {
      sources: [{ serviceAccountToken: { path: 'token', audience: 'identity.l5d.io', expirationSeconds: 86_400 } }],
    },
  };
  await lab.apply(
    shellPod('user', 'id -u; cut -c1-10 /t/token; touch /e/x /m/y; sleep 3600', {
      container: {
        securityContext: {
          runAsUser: 2102,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 't', mountPath: '/t' },
          { name: 'e', mountPath: '/e' },
          { name: 'm', mountPath: '/m' },
        ],
      },
      spec: {
        volumes: [
          { name: 't', ...token },
          { name: 'e', emptyDir: {} },
          { name: 'm', emptyDir: { medium: 'Memory' } },
        ],
      },
    }),
  );
  await running('user');
  assert.equal(await lab.kubectl('logs user'), '2102\neyJhbGciOi\n');
  assert.match(await lab.kubectl('exec user -- grep CapEff /proc/self/status'), /0000000000000000/);
  assert.match(
    await lab
      .kubectl('exec user -- sh -c "touch /x 2>&1; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"')
      .catch(String),
    /Read-only file system[\s\S]*0\n/,
  );
  assert.equal((await lab.kubectl('exec user -- stat -L -c "%a %u" /t/token')).trim(), '600 2102');
});

test('fsGroup owns volumes and the token is readable by the group', async () => {
  const securityContext = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 3000 };
  const volumes = [
    { name: 'e', emptyDir: {} },
    { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
  ];
  const volumeMounts = [
    { name: 'e', mountPath: '/e' },
    { name: 't', mountPath: '/t' },
  ];
  await lab.apply(
    shellPod('grouped', 'sleep 3600', { spec: { securityContext, volumes }, container: { volumeMounts } }),
  );
  await running('grouped');
  const seen = await lab.kubectl('exec grouped -- sh -c "touch /e/x; stat -c %g /e/x; id -G; head -c 3 /t/token"');
  assert.equal(seen, '3000\n1000 3000\neyJ');
});

test('user 65534 with NET_ADMIN and NET_RAW sets up iptables, as a mesh init container does', async () => {
  const securityContext = {
    runAsUser: 65_534,
    runAsGroup: 65_534,
    allowPrivilegeEscalation: false,
    capabilities: { add: ['NET_ADMIN', 'NET_RAW'] },
  };
  for (const program of ['iptables-nft', 'iptables-legacy']) {
    const script = `${program} -t nat -A OUTPUT -m owner --uid-owner 2102 -j RETURN && ${program} -t nat -A OUTPUT -p tcp -j REDIRECT --to-port 4140 && ${program} -t nat -S OUTPUT`;
    const run = { name: 'run', mountPath: '/run' };
    await lab.apply(
      shellPod(program, script, {
        spec: { restartPolicy: 'Never', volumes: [{ name: 'run', emptyDir: {} }] },
        container: { securityContext, volumeMounts: [run] },
      }),
    );
    await status(program, 'Succeeded', ({ phase }) => phase === 'Succeeded');
    assert.match(await lab.kubectl(`logs ${program}`), /REDIRECT --to-ports 4140/);
  }
});

test('a failing liveness probe restarts the container and says so', async () => {
  const livenessProbe = { exec: { command: ['test', '-f', '/alive'] }, periodSeconds: 1, failureThreshold: 2 };
  const script = 'touch /alive; trap "exit 0" TERM; sleep 1.5; rm /alive; while :; do sleep 0.1; done';
  await lab.apply(shellPod('sick', script, { container: { livenessProbe } }));
  await status('sick', 'restarted', ({ containerStatuses: [one] = [] }) => (one?.restartCount ?? 0) >= 1);
  const told = await events('sick');
  assert.match(told, /Unhealthy: Liveness probe failed/);
  assert.match(told, /Killing: Container main failed liveness probe, will be restarted/);
});

test('a program that has to be killed is reported as killed', async () => {
  const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 };
  const spec = { terminationGracePeriodSeconds: 1 };
  await lab.apply(
    shellPod('deaf', 'trap "" TERM; while :; do sleep 0.1; done', { spec, container: { livenessProbe } }),
  );
  const ended = await status(
    'deaf',
    'restarted',
    ({ containerStatuses: [one] = [] }) => one?.lastState?.terminated !== undefined,
  );
  assert.equal(ended.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
});

test('HTTP probes decide readiness by status code', async () => {
  const probe = (path: string) => ({
    readinessProbe: { httpGet: { path, port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
  });
  const pod = (name: string, path: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'main', image: WEB_IMAGE, ...probe(path) }] },
    });
  await lab.apply(pod('well', '/status/204'));
  await lab.apply(pod('unwell', '/status/503'));
  await running('well');
  await lab.until(
    'Unhealthy',
    "get events --field-selector involvedObject.name=unwell,reason=Unhealthy -o jsonpath='{.items[0].message}'",
    (text) => text.includes('HTTP probe failed with statuscode: 503'),
  );
  assert.equal((await statusOf('unwell')).containerStatuses?.[0]?.ready, false);
});

test('preStop runs before TERM, and what ignores TERM is killed after the grace period', async () => {
  const lifecycle = { preStop: { exec: { command: ['sh', '-c', 'echo prestop > /proc/1/fd/1'] } } };
  await lab.apply(
    shellPod('stops', 'trap "echo term" TERM; while :; do sleep 0.1; done', { container: { lifecycle } }),
  );
  await running('stops');
  const log = lab.kubectl('logs -f stops');
  const startedMs = Date.now();
  await lab.kubectl('delete pod stops');
  const tookMs = Date.now() - startedMs;
  assert.equal(await log, 'prestop\nterm\n');
  assert.ok(tookMs > 1_800 && tookMs < 8_000, `${tookMs} ms`);
});

test('sidecars outlive the app while the pod is being ended', async () => {
  const side = 'trap "echo side ends; exit 0" TERM; while :; do sleep 0.1; done';
  const sidecar = { name: 'side', image: 'busybox', restartPolicy: 'Always', command: ['sh', '-c', side] };
  await lab.apply(
    shellPod('last', 'trap "sleep 0.5; exit 0" TERM; while :; do sleep 0.1; done', {
      spec: { initContainers: [sidecar], terminationGracePeriodSeconds: 5 },
    }),
  );
  await running('last');
  const app = lab.kubectl('logs -f --timestamps last -c main');
  const log = lab.kubectl('logs -f last -c side');
  const startedMs = Date.now();
  await lab.kubectl('delete pod last');
  await app;
  assert.equal(await log, 'side ends\n');
  assert.ok(Date.now() - startedMs >= 500);
});

test('exec hands over input, output, errors, the working directory and the exit code', async () => {
  await lab.apply(
    shellPod('shell', 'sleep 3600', {
      container: { workingDir: '/var/work', env: [{ name: 'GREETING', value: 'hi' }] },
    }),
  );
  await running('shell');
  const done = await lab.sh(`kubectl exec -i shell -- sh -c 'pwd; echo $GREETING; cat; echo oops >&2; exit 5'`, {
    input: 'typed',
  });
  assert.equal(done.stdout, '/var/work\nhi\ntyped');
  assert.match(done.stderr, /oops/);
  assert.equal(done.code, 5);
});

test('a file is copied in and out', async () => {
  await lab.ok(
    'f=$(mktemp) && head -c 300000 /dev/urandom > $f && kubectl cp $f shell:/tmp/in && kubectl cp shell:/tmp/in $f.back && cmp $f $f.back; code=$?; rm -f $f $f.back; exit $code',
  );
});

test('standard streams can be opened again by name, also by another user', async () => {
  const container = { securityContext: { runAsUser: 2102 } };
  await lab.apply(
    shellPod('streams', 'echo out > /dev/stdout; echo err > /dev/stderr', {
      container,
      spec: { restartPolicy: 'Never' },
    }),
  );
  await status('streams', 'Succeeded', ({ phase }) => phase === 'Succeeded');
  assert.equal(await lab.kubectl('logs streams'), 'out\nerr\n');
});

test('a forwarded port reaches what listens on loopback in the pod', async () => {
  await lab.ok(
    `kubectl port-forward well :8080 > /tmp/${lab.name}.forward & pid=$!; for i in $(seq 50); do port=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' /tmp/${lab.name}.forward); [ -n "$port" ] && break; sleep 0.1; done; curl -s -m 3 http://127.0.0.1:$port/; code=$?; kill $pid; rm /tmp/${lab.name}.forward; exit $code`,
  );
});

test('the environment of a pod knows its addresses and its resources', async () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const env = [field('IP', 'status.podIPs'), field('NODE', 'spec.nodeName'), { name: 'BOTH', value: '$(IP)@$(NODE)' }];
  await lab.apply(shellPod('knows', 'echo $BOTH; hostname; hostname -i; sleep 3600', { container: { env } }));
  await running('knows');
  const ip = await lab.kubectl("get pod knows -o jsonpath='{.status.podIP}'");
  const node = await lab.kubectl("get pod knows -o jsonpath='{.spec.nodeName}'");
  assert.equal(await lab.kubectl('logs knows'), `${ip}@${node}\nknows\n${ip}\n`);
});

test('an ephemeral container joins a running pod', async () => {
  await lab.kubectl('debug shell --image=busybox --container=extra -- sh -c "echo joined; sleep 3600"');
  await lab.until('its log', 'logs shell -c extra', (text) => text === 'joined\n');
});

test('a debugging container sees the processes of its target', async () => {
  await lab.kubectl('debug shell --image=busybox --container=near --target=main -- sh -c "ps ax; sleep 3600"');
  assert.match(await lab.until('its log', 'logs shell -c near', (text) => text.includes('ps ax')), /sleep 3600/);
});

test('a terminal is a terminal: size, echo and exit code', async () => {
  const typed = `kubectl exec -it shell -- sh -c 'test -t 0 && stty size && read line && echo got \\$line && exit 4'`;
  const done = await lab.sh(`(sleep 1; echo typed; sleep 1) | script -qec "${typed}" /dev/null; echo code $?`);
  assert.match(done.stdout, /got typed/);
  assert.match(done.stdout, /code 4/);
});

test('attaching with input reaches the program', async () => {
  const done = await lab.sh(
    'echo hello | kubectl run reader --image=busybox -i --rm --restart=Never --quiet -- sh -c "read x; echo got \\$x"',
  );
  assert.match(done.stdout, /got hello/);
});

test('a forced deletion ends the pod at once', async () => {
  await lab.apply(
    shellPod('forced', 'trap "" TERM; while :; do sleep 0.1; done', { spec: { terminationGracePeriodSeconds: 60 } }),
  );
  await running('forced');
  await lab.kubectl('delete pod forced --force --grace-period=0');
  await eventually('no process', 5_000, async () => {
    const { stdout } = await lab.sh(
      `weft lab shell --name ${lab.name} -- sh -c 'ls /run/weft/west/pods 2>/dev/null; ls /var/lib/weft/lab/${lab.name}/clusters/west/data/logs'`,
    );
    return stdout.includes('_forced_') ? undefined : true;
  });
});

test('shared process namespaces show the other container', async () => {
  const other = { name: 'other', image: 'busybox', command: ['sh', '-c', 'exec sleep 4321'] };
  await lab.apply(
    shellPod('shared', 'sleep 1; ps ax; sleep 3600', {
      spec: {
        shareProcessNamespace: true,
        containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', 'sleep 3600'] }, other],
      },
    }),
  );
  await running('shared');
  assert.match(await lab.kubectl('exec shared -c main -- ps ax'), /sleep 4321/);
});

test('a pod past its active deadline fails with the reason', async () => {
  await lab.apply(
    shellPod('late', 'sleep 3600', { spec: { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 } }),
  );
  const late = await status('late', 'Failed', ({ phase }) => phase === 'Failed');
  assert.equal(late.reason, 'DeadlineExceeded');
});

test('nodes report zones, addresses, a heartbeat and a lease', async () => {
  const zones = await lab.kubectl(
    "get nodes -o jsonpath='{.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}'",
  );
  assert.equal(zones, 'west-a west-b');
  assert.match(await lab.kubectl('-n kube-node-lease get lease west-1 -o jsonpath={.spec.renewTime}'), /\.\d{6}Z$/);
  assert.equal(
    await lab.kubectl("get node west-2 -o jsonpath='{.status.nodeInfo.containerRuntimeVersion}'"),
    'process://1',
  );
});

test('a deleted pod leaves neither folders nor addresses', async () => {
  await lab.kubectl('delete pods --all --grace-period=1');
  const { stdout } = await lab.sh(
    `weft lab shell --name ${lab.name} -- sh -c 'ls /var/lib/weft/lab/${lab.name}/clusters/west/data/pods /var/lib/weft/lab/${lab.name}/clusters/west/data/logs; for n in 1 2; do ip -n west-$n route show scope link | grep 10.42 || true; done'`,
  );
  assert.deepEqual(
    stdout.split('\n').filter((line) => line !== '' && !line.endsWith(':')),
    [],
  );
});
