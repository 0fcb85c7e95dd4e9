/** Network plug-ins that a DaemonSet installs on its nodes through hostPath volumes, chained behind the lab's own network. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LabFixture, shellPod, startFixture } from './fixture.ts';

let lab: LabFixture;
before(async () => {
  lab = await startFixture(['--clusters', 'west', '--nodes', '2']);
});
after(() => lab.down());

/**
 * A chained plug-in as a shell script: notes each call on its node, asks the API server's service from there, gives pods an address
 * on their loopback, refuses some by name, and passes the result on.
 */
const PLUGIN = `#!/bin/sh
config=$(cat)
name=$(echo "$CNI_ARGS" | tr ';' '\\n' | sed -n 's/^K8S_POD_NAME=//p')
echo "$CNI_COMMAND $name" >> /var/lib/cni/calls
case $CNI_COMMAND in
ADD)
  case $name in
  refused*) echo '{"cniVersion":"1.0.0","code":101,"msg":"refused by the plug-in"}'; exit 1 ;;
  esac
  curl -sk --max-time 3 https://10.96.0.1/version > /dev/null || { echo '{"code":103,"msg":"no API server"}'; exit 1; }
  nsenter --net="$CNI_NETNS" ip addr add 10.99.0.1/32 dev lo || exit 1
  echo "$config" | jq -c .prevResult ;;
CHECK) nsenter --net="$CNI_NETNS" ip addr show dev lo | grep -q 10.99.0.1 || { echo '{"code":102,"msg":"the address is gone"}'; exit 1; } ;;
esac
`;

/** Copies the plug-in, appends it to the node's network as installers do, and takes it away again at the end. */
const INSTALLER = `
cp /script/plugin /host/opt/cni/bin/marker.new && chmod 755 /host/opt/cni/bin/marker.new
mv /host/opt/cni/bin/marker.new /host/opt/cni/bin/marker
list=/host/etc/cni/net.d/10-lab.conflist
jq '.plugins += [{type: "marker"}]' "$list" > "$list.new" && mv "$list.new" "$list"
stop() { jq '.plugins |= map(select(.type != "marker"))' "$list" > "$list.new" && mv "$list.new" "$list"; exit 0; }
trap stop TERM
touch /tmp/installed
while true; do sleep 0.1; done
`;

const hostFolder = (name: string, path: string) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } });

const daemonSet = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plugin' }, data: { plugin: PLUGIN } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'installer' },
      spec: {
        selector: { matchLabels: { app: 'installer' } },
        template: {
          metadata: { labels: { app: 'installer' } },
          spec: {
            hostNetwork: true,
            nodeSelector: { 'topology.kubernetes.io/zone': 'west-b' },
            tolerations: [{ operator: 'Exists' }],
            terminationGracePeriodSeconds: 5,
            containers: [
              {
                name: 'install',
                image: 'busybox',
                command: ['sh', '-c', INSTALLER],
                readinessProbe: { exec: { command: ['test', '-e', '/tmp/installed'] }, periodSeconds: 1 },
                volumeMounts: [
                  { name: 'net-d', mountPath: '/host/etc/cni/net.d' },
                  { name: 'bin', mountPath: '/host/opt/cni/bin' },
                  { name: 'script', mountPath: '/script' },
                ],
              },
            ],
            volumes: [
              hostFolder('net-d', '/etc/cni/net.d'),
              hostFolder('bin', '/opt/cni/bin'),
              { name: 'script', configMap: { name: 'plugin' } },
            ],
          },
        },
      },
    },
  ],
});

const onNode = (number: number) => ({ nodeName: `west-${number}` });
const sleeper = (name: string, node: number, spec: object = {}): string =>
  shellPod(name, 'trap "exit 0" TERM; while true; do sleep 0.1; done', { spec: { ...onNode(node), ...spec } });

/** What the plug-in noted on the second node. */
async function calls(): Promise<string> {
  const reader = shellPod('reader', 'cat /state/calls', {
    spec: {
      ...onNode(2),
      hostNetwork: true,
      restartPolicy: 'Never',
      volumes: [hostFolder('state', '/var/lib/cni')],
    },
    container: { volumeMounts: [{ name: 'state', mountPath: '/state' }] },
  });
  await lab.apply(reader);
  await lab.until('the reader ends', `get pod reader -o 'jsonpath={.status.phase}'`, (phase) => phase === 'Succeeded');
  const text = await lab.kubectl('logs reader');
  await lab.kubectl('delete pod reader');
  return text;
}

test('a plug-in that a DaemonSet installed is chained for the pods of its node, and only there', {
  timeout: 90_000,
}, async () => {
  await lab.apply(daemonSet);
  await lab.kubectl('rollout status daemonset/installer --timeout=30s');
  for (const node of [1, 2]) await lab.apply(sleeper(`pod-${node}`, node));
  await lab.kubectl('wait --for=condition=Ready pod/pod-1 pod/pod-2 --timeout=30s');
  assert.doesNotMatch(await lab.kubectl('exec pod-1 -- ip addr show dev lo'), /10\.99\.0\.1/);
  assert.match(await lab.kubectl('exec pod-2 -- ip addr show dev lo'), /10\.99\.0\.1/);
  const ip = (await lab.kubectl(`get pod pod-2 -o 'jsonpath={.status.podIP}'`)).trim();
  assert.match(ip, /^10\.42\.1\./, "the address is the lab's");
  // Nobody listens there: that the connection is refused tells that the pod was reached.
  await lab.kubectl(`exec pod-1 -- sh -c 'curl -s --max-time 3 http://${ip}:1/; [ $? = 7 ]'`);
});

test('a plug-in that refuses keeps its pod from starting, and says why', { timeout: 60_000 }, async () => {
  await lab.apply(sleeper('refused', 2));
  await lab.until(
    'the refusal is told',
    `get events --field-selector reason=FailedCreatePodSandBox,involvedObject.name=refused -o 'jsonpath={.items[*].message}'`,
    (text) => text.includes('plugin type="marker" failed (add): refused by the plug-in'),
  );
  assert.equal((await lab.kubectl(`get pod refused -o 'jsonpath={.status.phase}'`)).trim(), 'Pending');
  await lab.kubectl('delete pod refused');
});

test('a container that starts again has its network checked, and a pod that goes has it undone', {
  timeout: 60_000,
}, async () => {
  await lab.apply(
    shellPod('again', 'test -e /tmp/kept/once && while true; do sleep 0.1; done; touch /tmp/kept/once; exit 1', {
      spec: { ...onNode(2), volumes: [{ name: 'kept', emptyDir: {} }] },
      container: { volumeMounts: [{ name: 'kept', mountPath: '/tmp/kept' }] },
    }),
  );
  await lab.until(
    'it has started again',
    `get pod again -o 'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}'`,
    (text) => text === '1 true',
    30_000,
  );
  await lab.kubectl('delete pod again');
  const noted = await calls();
  assert.match(noted, /^ADD again\nCHECK again\nDEL again$/m);
  assert.match(noted, /^ADD refused\nDEL refused$/m);
});

test('without its DaemonSet the plug-in is gone from the network of new pods', { timeout: 60_000 }, async () => {
  await lab.kubectl('delete daemonset installer');
  await lab.until('the installer has gone', 'get pods -l app=installer -o name', (names) => names === '');
  await lab.apply(sleeper('after', 2));
  await lab.kubectl('wait --for=condition=Ready pod/after --timeout=30s');
  assert.doesNotMatch(await lab.kubectl('exec after -- ip addr show dev lo'), /10\.99\.0\.1/);
});

test('a node without any network is not ready and starts no pod of its own network', { timeout: 90_000 }, async () => {
  const remover = shellPod('remover', 'mkdir -p /host/aside && mv /host/*.conflist /host/aside/ && sleep 3600', {
    spec: {
      ...onNode(2),
      hostNetwork: true,
      tolerations: [{ operator: 'Exists' }],
      volumes: [hostFolder('net-d', '/etc/cni/net.d')],
    },
    container: { volumeMounts: [{ name: 'net-d', mountPath: '/host' }] },
  });
  await lab.apply(remover);
  await lab.until('the remover runs', `get pod remover -o 'jsonpath={.status.phase}'`, (phase) => phase === 'Running');
  await lab.apply(sleeper('alone', 2, { tolerations: [{ operator: 'Exists' }] }));
  await lab.until(
    'the missing network is told',
    `get events --field-selector reason=FailedCreatePodSandBox,involvedObject.name=alone -o 'jsonpath={.items[*].message}'`,
    (text) => text.includes('cni plugin not initialized'),
  );
  await lab.until(
    'the node says so',
    `get node west-2 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}'`,
    (reason) => reason === 'KubeletNotReady',
    45_000,
  );
  await lab.kubectl(`exec remover -- sh -c 'mv /host/aside/* /host/'`);
  await lab.kubectl('wait --for=condition=Ready pod/alone --timeout=40s');
});
