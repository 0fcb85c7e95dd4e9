/** What a lab must not touch and must not leave, what its pods must not see, and how it refuses what cannot work. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually, run } from '../../harness/index.ts';
import { type LabFixture, shellPod, startFixture } from './fixture.ts';

const SECRET_FOLDERS = ['/run/weft-scenario', '/root/weft-scenario', '/home/weft-scenario', '/tmp/weft-scenario'];
const shell = async (command: string): Promise<string> => (await run('sh', ['-c', command])).stdout;

/** All that a lab could leave on the host outside its own namespaces. */
const hostNetwork = (): Promise<string> =>
  shell(
    '{ ip -o link; ip route show table all; ip rule; nft list ruleset; iptables-legacy-save -t nat; ip netns; } 2>/dev/null | grep -v "^#"',
  );
const traces = (name: string): Promise<string> =>
  shell(
    `ps axo args | grep -F -- '${name}' | grep -v grep | grep -v 'ps axo'; grep -F '${name}' /proc/mounts; ls -d /var/lib/weft/lab/${name} /sys/fs/cgroup/*/*${name} /sys/fs/cgroup/*/*/*${name} /sys/fs/cgroup/*/*/*/*${name} 2>/dev/null`,
  );

let lab: LabFixture;
let networkBefore: string;
let hostSocket: ReturnType<typeof createServer>;

before(
  async () => {
    for (const folder of SECRET_FOLDERS) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/key`, 'secret');
    }
    hostSocket = createServer().listen('/run/weft-scenario/socket');
    networkBefore = await hostNetwork();
    lab = await startFixture();
    await lab.apply(shellPod('inmate', 'sleep 3600'));
    await lab.kubectl('wait --for=condition=Ready pod/inmate --timeout=20s');
  },
  { timeout: 120_000 },
);

after(async () => {
  hostSocket?.close();
  for (const folder of SECRET_FOLDERS) rmSync(folder, { recursive: true, force: true });
  await lab?.down();
});

const inmate = async (script: string): Promise<string> => {
  const { stdout, stderr } = await lab.sh(`kubectl exec -i inmate -- sh`, { input: script });
  return stdout + stderr;
};

test("a pod sees nothing of the host's /run, /root, /home and /tmp", async () => {
  assert.equal(
    await inmate(
      'find / -xdev -name "weft-scenario*" 2>/dev/null; find /run /root /home /tmp /mnt /srv /opt -mindepth 1 ! -path "/run/secrets*"',
    ),
    '',
  );
});

test('no Unix socket of the host is within reach', async () => {
  assert.equal(
    await inmate(
      'find / -xdev -type s 2>/dev/null; for d in / /usr /run /var /etc /dev; do find $d -type s 2>/dev/null; done',
    ),
    '',
  );
});

test("a pod sees only its own processes, and neither the host's disks nor its kernel's keys", async () => {
  const output = await inmate(
    'ls /proc | grep -c "^[0-9]"; mknod /tmp/disk b $(stat -c "%t %T" /dev/null | tr " " "\\n" | head -1) 0; cat /proc/keys /proc/kcore 2>&1 | head -c 10; ls /dev | tr "\\n" " "',
  );
  assert.ok(Number(output.split('\n')[0]) < 8, output);
  assert.ok(!/sda|vda|nvme|mem\b|kmsg/.test(output), output);
});

test('a device that root makes in a pod cannot be opened', async () => {
  const device = (await shell('stat -c "%t %T" $(findmnt -no SOURCE / 2>/dev/null || df / | tail -1 | cut -d" " -f1)'))
    .trim()
    .split(' ');
  const [major = '8', minor = '0'] = device.map((part) => String(Number.parseInt(part || '0', 16)));
  const output = await inmate(
    `for d in /tmp /dev/shm /var; do mknod $d/disk b ${major} ${minor} && head -c 1 $d/disk; done; echo end`,
  );
  assert.match(output, /end/);
  assert.ok((output.match(/Permission denied/g) ?? []).length >= 2, output);
});

test('root in a pod can neither mount, nor unmount, nor leave its root', async () => {
  const output = await inmate(
    'mount -t tmpfs none /mnt; mount -o remount,rw /usr; umount /proc/sys; echo 1 > /proc/sys/kernel/sysrq; touch /usr/x; nsenter -t 1 -m true; unshare -n true; echo end',
  );
  assert.ok(!/^0$/m.test(output));
  assert.ok((output.match(/denied|not permitted|Read-only|must be superuser|failed/gi) ?? []).length >= 6, output);
});

test('programs that exec runs on entering a container cannot be replaced from within', async () => {
  const output = await inmate(
    'rm -rf /lib64 /bin; mv /etc /etc2; echo /tmp/evil.so > /etc/ld.so.preload; cp /bin/true /usr/bin/setpriv; echo end',
  );
  assert.match(output, /end/);
  assert.equal((await inmate('echo alive')).trim(), 'alive');
});

test('there is no way out to the network of the host', async () => {
  assert.match(
    await inmate('ip route get 192.0.2.1 >/dev/null 2>&1; curl -s -m 2 http://192.0.2.1; echo "code $?"'),
    /code (7|28)/,
  );
});

test('hostPath is a folder of the node, not of the host', async () => {
  const volumes = [{ name: 'h', hostPath: { path: '/etc' } }];
  await lab.apply(
    shellPod('mounts', 'ls -A /h; sleep 3600', {
      spec: { volumes },
      container: { volumeMounts: [{ name: 'h', mountPath: '/h' }] },
    }),
  );
  await lab.kubectl('wait --for=condition=Ready pod/mounts --timeout=20s');
  assert.equal(await lab.kubectl('logs mounts'), 'cni\n', "the node's own, and nothing of the host's");
});

test("the host's network is as it was", async () => {
  assert.equal(await hostNetwork(), networkBefore);
});

test('the kubeconfig is private', async () => {
  const path = (await lab.ok('echo $KUBECONFIG')).trim();
  assert.equal((await shell(`stat -c %a ${path}`)).trim(), '600');
});

test('a second lab of the same name is refused', async () => {
  const again = await lab.sh(`weft lab up --name ${lab.name}`);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /is running already \(pid \d+\)/);
  assert.equal((await lab.sh('kubectl get nodes')).code, 0);
});

test('a taken port, a missing program and a missing right are one clear line each and leave nothing', async () => {
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  const { port } = taken.address() as { port: number };
  const name = `${lab.name}x`;
  const busy = await lab.sh(`weft lab up --name ${name} --ephemeral --no-weft --api-port ${port}`);
  taken.close();
  assert.match(busy.stderr, new RegExp(`port ${port} of this machine is in use`));
  assert.equal(busy.stderr.trim().split('\n').length, 1, busy.stderr);
  const bin = `/var/tmp/${name}-bin`;
  const missing = await lab.sh(
    `mkdir ${bin} && for p in /usr/bin/* /usr/sbin/*; do ln -sf $p ${bin}/; done; rm ${bin}/nft; unshare --mount sh -c 'mount --bind /dev/null /usr/sbin/nft && weft lab up --name ${name} --no-weft'; code=$?; rm -rf ${bin}; exit $code`,
  );
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /missing host programs: nft; on Debian: apt-get install nftables/);
  assert.equal(await traces(name), '');
});

test('a full disk and a user other than root are one clear line each', async () => {
  const name = `${lab.name}d`;
  const folder = `/var/lib/${name}`;
  const full = await lab.sh(
    `mkdir ${folder} && unshare --mount sh -c 'mount -t tmpfs -o size=50m none ${folder} && weft lab up --root ${folder} --name ${name} --no-weft'; code=$?; rmdir ${folder}; exit $code`,
  );
  assert.match(full.stderr, /is full: \d+ MB free, a lab needs \d+ MB/);
  assert.equal(full.stderr.trim().split('\n').length, 1, full.stderr);
  const other = await lab.sh(`setpriv --reuid=65534 --regid=65534 --clear-groups weft lab up --name ${name} --no-weft`);
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /needs root|Permission denied/);
  assert.equal(await traces(name), '');
});

test('a cancelled start leaves nothing', async () => {
  const name = `${lab.name}c`;
  const done = await lab.sh(
    `timeout --signal=INT 0.6 weft lab up --name ${name} --ephemeral --no-weft --clusters a,b,c,d,e,f; true`,
  );
  assert.ok(!/is up in/.test(done.stdout), 'the lab was up before it could be cancelled');
  await eventually('no trace', 10_000, async () => ((await traces(name)) === '' ? true : undefined));
});

for (const [what, victim] of [
  ["the lab's process", (name: string) => `pgrep -f "[l]ab host --name ${name} " | head -1`],
  [
    "the lab's guard",
    (name: string) =>
      `ps --ppid $(pgrep -f "[l]ab host --name ${name} " | head -1) -o pid,args | grep weft-lab-guard | awk '{print $1}'`,
  ],
] as const)
  test(`when ${what} is killed, everything of the lab goes`, { timeout: 60_000 }, async () => {
    const doomed = await startFixture();
    try {
      await doomed.apply(shellPod('a', 'sleep 3600'));
      await doomed.kubectl('wait --for=condition=Ready pod/a --timeout=20s');
      const pid = (await shell(victim(doomed.name))).trim();
      assert.match(pid, /^\d+$/);
      process.kill(Number(pid), 'SIGKILL');
      await eventually('no trace', 15_000, async () => ((await traces(doomed.name)) === '' ? true : undefined));
      assert.equal(await hostNetwork(), networkBefore);
    } finally {
      await doomed.down();
    }
  });

test('the death of a cluster ends its pods; it comes back with its objects and runs them again', {
  timeout: 60_000,
}, async () => {
  const uid = await lab.kubectl("get pod inmate -o jsonpath='{.metadata.uid}'");
  const pid = (
    await shell(`pgrep -f "[l]ab cluster --config /var/lib/weft/lab/${lab.name}/clusters/west/" | tail -1`)
  ).trim();
  process.kill(Number(pid), 'SIGKILL');
  const restarted = await lab.until(
    'the pod again',
    "get pod inmate -o jsonpath='{.metadata.uid} {.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}'",
    (text) => text === `${uid} 1 true`,
    30_000,
  );
  assert.ok(restarted);
  assert.equal(JSON.parse(await lab.ok(`weft lab status --name ${lab.name} -o json`)).clusters[0].restarts, 1);
});

test('down leaves no process, namespace, mount, control group or file', { timeout: 60_000 }, async () => {
  const { name } = lab;
  await lab.down();
  assert.equal(await traces(name), '');
  assert.equal(await hostNetwork(), networkBefore);
});
