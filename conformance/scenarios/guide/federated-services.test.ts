/**
 * The published guide "Multi-cluster Federated Services", executed as a reader would: its own commands, real kubectl and the
 * alias `linkerd`, against three meshed clusters of the lab. Then the story goes on with what its readers do next.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, type Lab, requireProgram, startLab } from '../../harness/index.ts';
import { type GuideCommand, readGuide } from './commands.ts';

const guide = readGuide(readFileSync(join(import.meta.dirname, 'guide.txt'), 'utf8'));
const MINUTE_MS = 60_000;

let lab: Lab;
before(
  async () => {
    requireProgram('kubectl', 'kubectl >= 1.28');
    requireProgram('jq', 'the Debian package jq');
    lab = await startLab(['--clusters', 'west,east,north', '--mesh']);
  },
  { timeout: 5 * MINUTE_MS },
);
after(() => lab?.down(), { timeout: MINUTE_MS });

const commandsOf = (step: string): GuideCommand[] => {
  const found = guide.filter((entry) => entry.step.startsWith(step));
  assert.ok(found.length > 0, `the guide has commands under ${step}`);
  return found;
};

async function follow(step: string, timeoutMs = 2 * MINUTE_MS): Promise<string[]> {
  const outputs: string[] = [];
  for (const { command } of commandsOf(step)) outputs.push(await lab.ok(command, { timeoutMs }));
  return outputs;
}

const kubectl = (words: string) => lab.ok(`kubectl --context ${words}`);

/** How many answers of the traffic log name each cluster; the log is `{"requestUID":…,"payload":"hello from west\n"}` lines. */
async function answers(since = ''): Promise<Record<string, number>> {
  const log = await kubectl(`west -n mc-demo logs deploy/traffic -c traffic ${since}`);
  const counts: Record<string, number> = {};
  for (const match of log.matchAll(/"payload":"hello from (\w+)\\n"/g)) {
    const cluster = match[1] ?? '';
    counts[cluster] = (counts[cluster] ?? 0) + 1;
  }
  return counts;
}

/** Rows of `diagnostics endpoints` for the federated service, header left out. */
async function endpointRows(): Promise<string[][]> {
  const [{ command } = { command: '' }] = commandsOf('Troubleshooting');
  const output = await lab.ok(command);
  const [header = '', ...rows] = output.split('\n').filter((line) => line.trim() !== '');
  assert.deepEqual(header.split(/\s+/).filter(Boolean), ['NAMESPACE', 'IP', 'PORT', 'POD', 'SERVICE']);
  return rows.map((row) => row.split(/\s+/));
}

describe('the guide to federated services', () => {
  test('step 2 installs the multicluster extension and check passes', { timeout: 5 * MINUTE_MS }, async () => {
    await follow('Step 2');
  });

  test('step 3 links east and north to west and check passes', { timeout: 5 * MINUTE_MS }, async () => {
    await follow('Step 3');
  });

  test('step 4 deploys bb, meshed, into all three clusters', { timeout: 5 * MINUTE_MS }, async () => {
    await follow('Step 4');
    for (const context of ['west', 'east', 'north']) {
      await kubectl(`${context} -n mc-demo rollout status deploy/bb --timeout=90s`);
      const names = await kubectl(
        `${context} -n mc-demo get pod -l app=bb -o jsonpath='{.items[0].spec.initContainers[*].name} {.items[0].spec.containers[*].name}'`,
      );
      assert.match(names, /linkerd-proxy/);
    }
  });

  test('step 5 creates the federated service and Link statuses of the published shape', {
    timeout: 2 * MINUTE_MS,
  }, async () => {
    const [labelEast, labelNorth, labelWest, getServices, ...getStatuses] = commandsOf('Step 5');
    for (const entry of [labelEast, labelNorth, labelWest]) await lab.ok(entry?.command ?? '');
    const row = await eventually('bb-federated is listed', 10_000, async () =>
      (await lab.ok(getServices?.command ?? '')).split('\n').find((line) => line.startsWith('bb-federated ')),
    );
    assert.match(row, /^bb-federated\s+ClusterIP\s+\d+\.\d+\.\d+\.\d+\s+<none>\s+8080\/TCP\s+\S+$/);
    assert.equal(getStatuses.length, 2);
    for (const entry of getStatuses) {
      const shape = (value: unknown) => {
        const [service] = value as [{ conditions: [{ lastTransitionTime?: string }] }];
        const time = service.conditions[0].lastTransitionTime ?? '';
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        delete service.conditions[0].lastTransitionTime;
        return value;
      };
      // Weft says more of each member than the guide shows.
      const withoutOurs = (value: unknown) => {
        const [{ endpoints, ports, lastSyncTime, ...rest }] = value as [Record<string, unknown>];
        assert.deepEqual({ endpoints, ports }, { endpoints: { total: 1, ready: 1 }, ports: { total: 1, covered: 1 } });
        assert.match(String(lastSyncTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        return [rest];
      };
      const shown = entry.shown.join('\n');
      const wanted = shape(JSON.parse(shown.slice(shown.indexOf('['), shown.lastIndexOf(']') + 1)));
      const seen = await eventually('the Link has a status', 20_000, async () => {
        const output = (await lab.ok(entry.command)).trim();
        const found =
          output === '' || output === 'null' ? undefined : (JSON.parse(output) as [{ endpoints?: unknown }]);
        return found?.[0].endpoints === undefined ? undefined : found;
      });
      assert.deepEqual(shape(withoutOurs(seen)), wanted);
    }
  });

  test('step 6 sends traffic that all three clusters answer within a minute', { timeout: 4 * MINUTE_MS }, async () => {
    const [deploy] = commandsOf('Step 6');
    await lab.ok(deploy?.command ?? '');
    await kubectl('west -n mc-demo rollout status deploy/traffic --timeout=90s');
    await eventually('all three clusters are named in the traffic log', MINUTE_MS, async () => {
      const counts = await answers();
      return counts['west'] && counts['east'] && counts['north'] ? counts : undefined;
    });
  });

  test('troubleshooting: the multicluster section of check lists both clusters under every line', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const output = await lab.ok('linkerd --context west check', { timeoutMs: 2 * MINUTE_MS });
    const section = output.slice(output.indexOf('linkerd-multicluster\n'));
    const lines = [
      'Link CRD exists',
      'Link resources are valid',
      'remote cluster access credentials are valid',
      'clusters share trust anchors',
      'service mirror controller has required permissions',
      'service mirror controllers are running',
    ];
    for (const line of lines) {
      assert.ok(section.includes(`√ ${line}`), `√ ${line} stands in:\n${section}`);
      if (line === 'Link CRD exists') continue;
      const below = section
        .slice(section.indexOf(`√ ${line}`))
        .split('\n')
        .slice(1, 3);
      assert.deepEqual(
        below.map((text) => text.trim()),
        ['* east', '* north'],
        `clusters below ${line}`,
      );
    }
  });

  test('troubleshooting: diagnostics endpoints shows one row per cluster', { timeout: MINUTE_MS }, async () => {
    const rows = await endpointRows();
    assert.equal(rows.length, 3);
    for (const [namespace, ip, port, pod, service] of rows) {
      assert.equal(namespace, 'mc-demo');
      assert.match(ip ?? '', /^\d+\.\d+\.\d+\.\d+$/);
      assert.equal(port, '8080');
      assert.match(pod ?? '', /^bb-[a-z0-9]+-[a-z0-9]{5}$/);
      assert.equal(service, 'bb.mc-demo');
    }
    assert.equal(new Set(rows.map((row) => row[1])).size, 3);
  });
});

/** 20 requests a second from one keep-alive client, one status code a line. */
const LOAD = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: load
  namespace: mc-demo
spec:
  selector:
    matchLabels:
      app: load
  template:
    metadata:
      labels:
        app: load
      annotations:
        linkerd.io/inject: enabled
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: load
        image: curlimages/curl
        command: ["curl"]
        args:
        - --silent
        - --rate
        - 20/s
        - --max-time
        - "10"
        - --no-buffer
        - --write-out
        - "\\t%{http_code} %{errormsg}\\n"
        - http://bb-federated:8080/?[1-100000]
`;

/** The load's results so far, e.g. `{'200': 412}`. */
async function loadResults(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const log = await kubectl('west -n mc-demo logs deploy/load -c load');
  for (const match of log.matchAll(/\t(\d{3} .*)$/gm)) {
    const result = (match[1] ?? '').trim();
    counts[result] = (counts[result] ?? 0) + 1;
  }
  return counts;
}

const pods = async () => (await endpointRows()).map((row) => row[3]);
const rowsBecome = (count: number, timeoutMs = 30_000) =>
  eventually(`diagnostics endpoints shows ${count} rows`, timeoutMs, async () => {
    const rows = await endpointRows();
    return rows.length === count ? rows : undefined;
  });

describe('the story goes on under 20 requests a second', () => {
  before(
    async () => {
      await lab.ok('kubectl --context west apply -f -', { input: LOAD });
      await kubectl('west -n mc-demo rollout status deploy/load --timeout=90s');
      await eventually(
        'the load has results',
        30_000,
        async () => ((await loadResults())['200'] ?? 0) > 20 || undefined,
      );
    },
    { timeout: 3 * MINUTE_MS },
  );

  /** Nothing but 200, and more of them than before: a load that stands still proves nothing. */
  async function noRequestFailed(before: Record<string, number>): Promise<void> {
    const results = await loadResults();
    assert.deepEqual(Object.keys(results), ['200'], `results: ${JSON.stringify(results)}`);
    assert.ok((results['200'] ?? 0) > (before['200'] ?? 0) + 20, 'the load went on');
  }

  for (const round of [1, 2, 3])
    test(`scaling bb in east to zero and back loses no request, round ${round}`, {
      timeout: 3 * MINUTE_MS,
    }, async () => {
      const before = await loadResults();
      const eastPod = (
        await kubectl(`east -n mc-demo get pod -l app=bb -o jsonpath='{.items[0].metadata.name}'`)
      ).trim();
      await kubectl('east -n mc-demo scale deploy/bb --replicas=0');
      await rowsBecome(2);
      assert.ok(!(await pods()).includes(eastPod));
      await kubectl('east -n mc-demo wait --for=delete pod -l app=bb --timeout=60s');
      await kubectl('east -n mc-demo scale deploy/bb --replicas=1');
      await rowsBecome(3, MINUTE_MS);
      await eventually('east answers again', MINUTE_MS, async () => (await answers('--since=5s'))['east']);
      await noRequestFailed(before);
    });

  test('a member whose label is taken away leaves, and comes back with it', { timeout: 2 * MINUTE_MS }, async () => {
    const before = await loadResults();
    await kubectl('east -n mc-demo label svc/bb mirror.linkerd.io/federated-');
    await rowsBecome(2);
    const annotation = `west -n mc-demo get svc bb-federated -o jsonpath='{.metadata.annotations.multicluster\\.linkerd\\.io/remote-discovery}'`;
    assert.equal((await kubectl(annotation)).trim(), 'bb@north');
    await kubectl('east -n mc-demo label svc/bb mirror.linkerd.io/federated=member');
    await rowsBecome(3);
    await noRequestFailed(before);
  });

  test('deleting the Link north takes its members with it', { timeout: 2 * MINUTE_MS }, async () => {
    const before = await loadResults();
    await kubectl('west -n linkerd-multicluster delete link/north');
    await rowsBecome(2);
    await noRequestFailed(before);
  });

  test('traffic survives kill -9 of destination, and changes arrive after its restart', {
    timeout: 3 * MINUTE_MS,
  }, async () => {
    const before = await loadResults();
    const podOf = `west -n linkerd get pod -l linkerd.io/control-plane-component=destination -o jsonpath`;
    const pod = (await kubectl(`${podOf}='{.items[0].metadata.name}'`)).trim();
    const restarts = `${podOf}='{.items[0].status.containerStatuses[?(@.name=="destination")].restartCount}'`;
    const restartsBefore = Number(await kubectl(restarts));
    const mine = `grep -qsz "^HOSTNAME=${pod}$" $p/environ && grep -qsz "^destination$" $p/cmdline`;
    const find = `for p in /proc/[0-9]*; do if ${mine}; then echo \${p#/proc/}; fi; done`;
    const pids = (await lab.ok(`weft lab shell --name ${lab.name} -- sh -c '${find}'`)).trim().split(/\s+/);
    assert.equal(pids.length, 1, `one destination process of pod ${pod}: ${pids}`);
    await lab.ok(`weft lab shell --name ${lab.name} -- kill -9 ${pids[0]}`);
    await eventually('the container was restarted', MINUTE_MS, async () =>
      Number(await kubectl(restarts)) > restartsBefore ? true : undefined,
    );
    await kubectl('west -n mc-demo scale deploy/bb --replicas=2');
    await rowsBecome(3, MINUTE_MS);
    const added = (await kubectl(`west -n mc-demo get pod -l app=bb -o jsonpath='{.items[*].status.podIP}'`))
      .trim()
      .split(' ');
    assert.equal(added.length, 2);
    await eventually('the proxy of the load balances over both pods of west', MINUTE_MS, async () => {
      const metrics = await lab.ok('linkerd --context west diagnostics proxy-metrics -n mc-demo deploy/load');
      const seen = added.every((ip) => new RegExp(`request_total\\{[^}]*target_ip="${ip}"`).test(metrics));
      return seen || undefined;
    });
    await noRequestFailed(before);
  });
});
