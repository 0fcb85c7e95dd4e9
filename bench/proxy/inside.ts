/**
 * The benchmark itself, as the first process of its own pid, mount and network namespaces: `bun inside.ts PLAN`. Prints its
 * results as JSON on standard output, what it does on standard error. When it ends, everything it started ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#net/programs';
import { cpuSeconds } from '../../conformance/harness/index.ts';
import {
  CLIENT_IP,
  CLIENT_NS,
  type Pair,
  type Running,
  SERVER_NS,
  start,
  startPair,
} from '../../conformance/harness/pair/index.ts';
import type { Protocol } from './addresses.ts';
import { type Memory, meanPssMB, measureMemory } from './memory.ts';
import { originCommand, outer, PEERS } from './peers/index.ts';
import { untilQuiet, watchOthers } from './quiet.ts';
import { type Plan, percent, type Results } from './results.ts';
import { type Sample, SCENARIOS, type Scenario } from './scenarios.ts';
import { meshCounts, portScripts, weftUrl } from './weft.ts';

const FOLDER = '/run/bench';
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 100;
/** Start-up is over then: what is idle is idle. */
const SETTLE_MS = 5_000;
interface Contender {
  readonly name: string;
  readonly urls: Partial<Record<Protocol, string>>;
  readonly processes: readonly Running[];
}

const say = (line: string) => process.stderr.write(`bench: ${line}\n`);

const pids = (processes: readonly Running[]): number[] => processes.map(({ pid }) => pid);

function contenders({ proxies, others, material }: Pair): { all: Contender[]; watched: Running[] } {
  const origin = start('origin', SERVER_NS, originCommand(`${FOLDER}/origin`));
  const urls = { http1: weftUrl('http1'), http2: weftUrl('http2'), tcp: weftUrl('tcp') };
  const all: Contender[] = [{ name: 'Weft', urls, processes: Object.values(proxies) }];
  for (const peer of PEERS) {
    const { outbound, inbound } = peer.commands(`${FOLDER}/${peer.program}`, material);
    const processes = [
      start(`${peer.name} (client)`, CLIENT_NS, outbound),
      start(`${peer.name} (server)`, SERVER_NS, inbound),
    ];
    const addresses = peer.protocols.map((each) => [each, `http://${CLIENT_IP}:${outer(peer, each)}/`] as const);
    all.push({ name: peer.name, urls: Object.fromEntries(addresses), processes });
  }
  return { all, watched: [origin, ...others, ...all.flatMap(({ processes }) => processes)] };
}

/** Waits until the origin's answer comes through, in every protocol. */
async function ready({ name, urls, processes }: Contender, watched: readonly Running[]): Promise<void> {
  for (const [protocol, url] of Object.entries(urls)) {
    let seen = 'nothing';
    let answered = false;
    for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; !answered && Date.now() < deadlineMs; ) {
      for (const each of watched) each.requireAlive();
      const version = protocol === 'http2' ? ['--http2-prior-knowledge'] : [];
      const flags = ['-s', '--max-time', '5', '-w', '%{http_code}', ...version];
      const args = ['netns', 'exec', CLIENT_NS, 'curl', ...flags, url];
      const { stdout, exitCode } = await run('ip', args, { okCodes: [...Array(100).keys()] });
      answered = stdout === 'hello from the origin\n200';
      seen = `${JSON.stringify(stdout)}, curl exit code ${exitCode}`;
      if (!answered) await sleep(READY_POLL_MS);
    }
    if (answered) continue;
    const words = processes.map((each) => `\n${each.name}: ${each.lastWords()}`).join('');
    throw new Error(`${name} does not answer at ${url} within ${READY_TIMEOUT_MS / 1000} s; last: ${seen}${words}`);
  }
}

async function measure(scenario: Scenario, contender: Contender, seconds: number): Promise<Sample> {
  const { name, urls, processes } = contender;
  const url = `${urls[scenario.protocol]}${scenario.path}`;
  await untilQuiet();
  const lead = await scenario.load(url, scenario.leadSeconds);
  const othersShare = watchOthers();
  const beforeS = cpuSeconds(pids(processes));
  const load = await scenario.load(url, seconds);
  const hopS = (cpuSeconds(pids(processes)) - beforeS) / processes.length;
  for (const each of processes) each.requireAlive();
  return {
    scenario: scenario.name,
    name,
    ...load,
    cpuUsPerHop: (hopS * 1e6) / load.requests,
    mbPerCpuSecond: (load.requests * (scenario.bodyBytes ?? 0)) / 1e6 / hopS,
    unmeasured: lead.requests,
    othersShare: othersShare(),
  };
}

/** The subject's path must have been mutual TLS, with the peer that was meant, for every request. */
async function requireMutualTls(requests: number): Promise<void> {
  const { outboundRequests, inboundRequests, others } = await meshCounts();
  if (outboundRequests < requests || inboundRequests < requests || others > 0)
    throw new Error(
      `Weft's traffic was not all mutual TLS: ${requests} requests answered, ${outboundRequests} counted outbound and ${inboundRequests} inbound with the expected identities, ${others} requests or connections otherwise`,
    );
}

const describe = ({ name, cpuUsPerHop, perSecond, p50Ms, p99Ms, othersShare }: Sample) =>
  `${name}, ${cpuUsPerHop.toFixed(1)} us a hop, ${perSecond.toFixed(0)} requests/s, p50 ${p50Ms.toFixed(2)} p99 ${p99Ms.toFixed(2)} ms; ${percent(othersShare)} of the machine went elsewhere`;

/** An error of `action` says whose it is. */
async function named<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** All rounds of one scenario; each begins with another contender, so that none always follows the same one. */
async function play(scenario: Scenario, all: readonly Contender[], plan: Plan): Promise<Sample[]> {
  const able = all.filter(({ urls }) => urls[scenario.protocol] !== undefined);
  say(`${scenario.name}: ${scenario.title}; warming up, ${plan.warmUpSeconds} s each`);
  const samples: Sample[] = [];
  for (const each of able)
    await named(each.name, () => scenario.load(`${each.urls[scenario.protocol]}${scenario.path}`, plan.warmUpSeconds));
  for (let round = 0; round < plan.rounds; round++)
    for (let i = 0; i < able.length; i++) {
      const contender = able[(round + i) % able.length]!;
      const sample = await named(contender.name, () => measure(scenario, contender, plan.seconds));
      say(`${scenario.name}, round ${round + 1}: ${describe(sample)}`);
      samples.push(sample);
    }
  return samples;
}

async function main(plan: Plan): Promise<Results> {
  say(`starting Weft, ${PEERS.map(({ name }) => name).join(', ')}`);
  const { all, watched } = contenders(await startPair({ weft: plan.weft, ports: portScripts(), folder: FOLDER }));
  for (const each of all) await ready(each, watched);
  await sleep(SETTLE_MS);
  const idleMB = new Map(all.map(({ name, processes }) => [name, meanPssMB(processes)]));
  const samples: Sample[] = [];
  const memory: Memory[] = [];
  // Memory first: before the load of the others has grown anything.
  if (plan.scenarios.includes('memory'))
    for (const { name, urls, processes } of all) {
      const measured = await named(name, () => measureMemory(name, urls.http1!, idleMB.get(name)!, processes));
      say(`memory: ${name}, PSS ${JSON.stringify(measured)}`);
      memory.push(measured);
    }
  for (const scenario of SCENARIOS)
    if (plan.scenarios.includes(scenario.name)) samples.push(...(await play(scenario, all, plan)));
  const http = samples.filter(({ name, scenario }) => name === 'Weft' && isHttp(scenario));
  await requireMutualTls(http.reduce((total, { requests, unmeasured }) => total + requests + unmeasured, 0));
  return { samples, memory };
}

const isHttp = (name: string): boolean => SCENARIOS.some((each) => each.name === name && each.protocol !== 'tcp');

try {
  const results = await main(JSON.parse(process.argv[2] ?? '{}') as Plan);
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
