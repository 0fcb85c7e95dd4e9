/**
 * The suites, as the first process of their own namespaces: `bun inside.ts PLAN` starts everything, then the driver at the client's
 * side, whose results it hands on. When it ends, everything it started ends.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CLIENT_NS, type Running, SERVER_NS, start, startPair } from '../harness/pair/index.ts';
import { FACES, ORIGIN_PORTS, PORT_SCRIPTS } from './faces.ts';
import { PROXY_MEMORY_BYTES } from './floods/index.ts';
import { startPeers } from './peers.ts';
import { FOLDER, ORIGIN_SOCKET, type Plan, type ProxyPids } from './plan.ts';

const say = (line: string) => process.stderr.write(`http: ${line}\n`);

function drive(plan: Plan, pids: ProxyPids): Promise<string> {
  const args = [process.execPath, join(import.meta.dirname, 'driver.ts'), JSON.stringify(plan), JSON.stringify(pids)];
  const child = spawn('ip', ['netns', 'exec', CLIENT_NS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`the driver ended with ${code}`))));
  });
}

async function main(plan: Plan): Promise<string> {
  const settings = { MEMORY_LIMIT: String(PROXY_MEMORY_BYTES) };
  const pair = await startPair({ weft: plan.weft, ports: PORT_SCRIPTS, folder: FOLDER, settings });
  const origin = [process.execPath, join(import.meta.dirname, 'origin', 'main.ts'), ORIGIN_SOCKET];
  const all: Running[] = [
    ...Object.values(pair.proxies),
    ...pair.others,
    start('origin', SERVER_NS, [...origin, ...ORIGIN_PORTS.map(String)]),
    ...(plan.peers ? startPeers(`${FOLDER}/peers`) : []),
  ];
  say(`${FACES.length} faces of Weft and its peers are up`);
  try {
    return await drive(plan, { client: pair.proxies.client.pid, server: pair.proxies.server.pid });
  } finally {
    for (const each of all) {
      each.requireAlive();
      if (each.lastWords() !== '') say(`${each.name}: ${each.lastWords().slice(-1_500)}`);
    }
  }
}

try {
  const results = await main(JSON.parse(process.argv[2] ?? '{}') as Plan);
  process.stdout.write(results, () => process.exit(0));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
