/**
 * The benchmark itself, as the first process of its own pid, mount and network namespaces: `bun inside.ts PLAN`. Prints its
 * results as JSON on standard output, what it does on standard error. When it ends, everything it started ends.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#net/programs';
import { CLIENT_IP, CLIENT_NS, SERVER_NS } from './addresses.ts';
import { writeMaterial } from './material.ts';
import { captureTraffic, setUpNetwork } from './network.ts';
import { originCommand, PEERS } from './peers.ts';
import { cpuSeconds, type Running, rssMB, start } from './processes.ts';
import { untilQuiet, watchOthers } from './quiet.ts';
import { type Plan, percent, type Results, type Sample } from './results.ts';
import { meshCounts, startWeft, WEFT_URL } from './weft.ts';
import { runWrk } from './wrk.ts';

const FOLDER = '/run/bench';
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 100;
/**
 * Unmeasured load just before each measurement: what is measured is traffic on open connections, and the contenders keep
 * idle ones for different times, some shorter than a round.
 */
const LEAD_SECONDS = 1;

interface Contender {
  name: string;
  url: string;
  processes: readonly Running[];
}

const say = (line: string) => process.stderr.write(`bench: ${line}\n`);

async function contenders({ weft }: Plan): Promise<{ all: Contender[]; watched: Running[] }> {
  const material = await writeMaterial(`${FOLDER}/tls`);
  const origin = start('origin', SERVER_NS, originCommand(`${FOLDER}/origin`));
  const { proxies, others } = startWeft(weft, material);
  const all: Contender[] = [{ name: 'Weft', url: WEFT_URL, processes: proxies }];
  for (const peer of PEERS) {
    const { outbound, inbound } = peer.commands(`${FOLDER}/${peer.program}`, material);
    const processes = [
      start(`${peer.name} (client)`, CLIENT_NS, outbound),
      start(`${peer.name} (server)`, SERVER_NS, inbound),
    ];
    all.push({ name: peer.name, url: `http://${CLIENT_IP}:${peer.port}/`, processes });
  }
  return { all, watched: [origin, ...others, ...all.flatMap(({ processes }) => processes)] };
}

/** Waits until the origin's answer comes through. */
async function ready({ name, url, processes }: Contender, watched: readonly Running[]): Promise<void> {
  let seen = 'nothing';
  for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
    for (const each of watched) each.requireAlive();
    const args = ['netns', 'exec', CLIENT_NS, 'curl', '-s', '--max-time', '5', '-w', '%{http_code}', url];
    const { stdout, exitCode } = await run('ip', args, { okCodes: [...Array(100).keys()] });
    if (stdout === 'hello from the origin\n200') return;
    seen = `${JSON.stringify(stdout)}, curl exit code ${exitCode}`;
  }
  const words = processes.map((each) => `\n${each.name}: ${each.lastWords()}`).join('');
  throw new Error(`${name} does not answer at ${url} within ${READY_TIMEOUT_MS / 1000} s; last: ${seen}${words}`);
}

async function measure({ name, url, processes }: Contender, seconds: number): Promise<Sample> {
  await untilQuiet();
  const lead = await runWrk(url, LEAD_SECONDS);
  const othersShare = watchOthers();
  const beforeS = cpuSeconds(processes);
  const load = await runWrk(url, seconds);
  const cpuS = cpuSeconds(processes) - beforeS;
  for (const each of processes) each.requireAlive();
  const cpuUsPerHop = (cpuS * 1e6) / load.requests / processes.length;
  return { name, ...load, cpuUsPerHop, unmeasured: lead.requests, othersShare: othersShare() };
}

/** The subject's path must have been mutual TLS, with the peer that was meant, for every request. */
async function requireMutualTls(requests: number): Promise<void> {
  const { outboundMtls, inboundMtls, others } = await meshCounts();
  if (outboundMtls < requests || inboundMtls < requests || others > 0)
    throw new Error(
      `Weft's requests were not all mutual TLS: ${requests} answered, ${outboundMtls} counted outbound and ${inboundMtls} inbound with the expected identities, ${others} otherwise`,
    );
}

const describe = ({ name, cpuUsPerHop, perSecond, p99Ms, othersShare }: Sample) =>
  `${name}, ${cpuUsPerHop.toFixed(1)} us a hop, ${perSecond.toFixed(0)} requests/s, p99 ${p99Ms.toFixed(1)} ms; ${percent(othersShare)} of the machine went elsewhere`;

async function main(plan: Plan): Promise<Results> {
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run']);
  mkdirSync(FOLDER, { recursive: true });
  await setUpNetwork();
  await captureTraffic(plan.weft);
  say(`starting Weft, ${PEERS.map(({ name }) => name).join(', ')}`);
  const { all, watched } = await contenders(plan);
  for (const each of all) await ready(each, watched);
  say(`warming up, ${plan.warmUpSeconds} s each`);
  let weftRequests = 0;
  const samples: Sample[] = [];
  for (const each of all) {
    const { requests } = await runWrk(each.url, plan.warmUpSeconds);
    if (each.name === 'Weft') weftRequests += requests;
  }
  for (let round = 0; round < plan.rounds; round++) {
    // Each round begins with another contender, so that none always follows the same one.
    for (let i = 0; i < all.length; i++) {
      const sample = await measure(all[(round + i) % all.length]!, plan.seconds);
      say(`round ${round + 1}: ${describe(sample)}`);
      if (sample.name === 'Weft') weftRequests += sample.requests + sample.unmeasured;
      samples.push(sample);
    }
  }
  await requireMutualTls(weftRequests);
  const rss = Object.fromEntries(all.map(({ name, processes }) => [name, rssMB(processes) / processes.length]));
  return { samples, rssMB: rss };
}

try {
  const results = await main(JSON.parse(process.argv[2] ?? '{}') as Plan);
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
