/** exec, attach, cp and port-forward into real pods, by each transport that kubectl speaks: WebSocket and SPDY. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LabFixture, shellPod, startFixture, WEB_IMAGE } from './fixture.ts';

let lab: LabFixture;

before(
  async () => {
    lab = await startFixture();
    await lab.apply(shellPod('shell', 'sleep 3600'));
    await lab.apply(shellPod('web', 'x', { container: { image: WEB_IMAGE, command: undefined } }));
    await lab.kubectl('wait --for=condition=Ready pod/shell pod/web --timeout=30s');
  },
  { timeout: 120_000 },
);

after(async () => {
  await lab?.down();
});

/** Prints the resident size of the cluster's process in kB. */
const MEMORY = `kubectl get --raw /healthz >/dev/null; ps -eo rss,args | grep "[l]ab cluster.*$LAB" | sort -n | tail -1 | awk '{print $1}'`;
const BULK_BYTES = 200_000_000;

for (const [transport, websockets] of [
  ['WebSocket', 'true'],
  ['SPDY', 'false'],
] as const) {
  const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets, KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets };
  const sh = (command: string, input?: string) =>
    lab.sh(command, { env: { ...env, LAB: lab.name }, ...(input !== undefined && { input }) });

  test(`${transport}: streams stay apart and the exit code comes back`, async () => {
    const done = await sh(`kubectl exec -i shell -- sh -c 'cat; echo oops >&2; exit 3'`, 'typed');
    assert.deepEqual([done.stdout, done.code], ['typed', 3]);
    assert.match(done.stderr, /^oops\ncommand terminated with exit code 3\n$/);
  });

  test(`${transport}: a terminal has the client's size`, async () => {
    const { stdout } = await sh(
      `script -qec 'stty rows 33 cols 99; kubectl exec -it shell -- stty size' /dev/null < /dev/null`,
    );
    assert.match(stdout, /33 99/);
  });

  test(`${transport}: bulk arrives whole both ways, and a slow reader does not fill the server's memory`, async () => {
    const sent = await sh(`head -c ${BULK_BYTES} /dev/zero | kubectl exec -i shell -- wc -c`);
    assert.equal(sent.stdout.trim(), String(BULK_BYTES));
    const before = Number((await sh(MEMORY)).stdout);
    const reading = sh(`kubectl exec shell -- head -c ${BULK_BYTES} /dev/zero | (sleep 2; wc -c)`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const during = Number((await sh(MEMORY)).stdout);
    assert.equal((await reading).stdout.trim(), String(BULK_BYTES));
    assert.ok(before > 0 && during - before < 100_000, `grew from ${before} to ${during} kB`);
  });

  test(`${transport}: fifty forwarded connections side by side, and a dead port's reason`, async () => {
    const forward = `kubectl port-forward web :8080 :8081 > $f & pid=$!; trap 'kill $pid; rm -f $f $f.*' EXIT
      for i in $(seq 100); do [ "$(wc -l < $f)" -ge 2 ] && break; sleep 0.1; done
      to() { sed -n "s/.*127.0.0.1:\\([0-9]*\\) -> $1/\\1/p" $f; }`;
    const many = await sh(`f=$(mktemp); ${forward}
      for i in $(seq 50); do curl -s -m 10 -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:$(to 8080)/ > $f.$i & all="$all $!"; done
      wait $all; cat $f.* | sort | uniq -c | tr -s ' '`);
    assert.equal(many.stdout.trim(), '50 200');
    const dead = await sh(`f=$(mktemp); ${forward}\n curl -s -m 10 http://127.0.0.1:$(to 8081)/; echo "curl $?"`);
    assert.equal(dead.stdout.trim(), 'curl 52');
    assert.match(dead.stderr, /error forwarding port 8081 to pod web, .*ECONNREFUSED/);
  });
}

test('a client that goes away ends the program it ran', async () => {
  await lab.sh('timeout 2 kubectl exec shell -- sleep 54321');
  await lab.until(
    'sleep ends',
    `exec shell -- sh -c 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'`,
    (list) => !list.includes('54321'),
  );
});
