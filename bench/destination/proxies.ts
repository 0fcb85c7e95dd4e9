/**
 * Simulated proxies, `bun proxies.ts SHAPE PORT`, whose streams share connections, as behind the proxy of a pod. Commands: `open` follows the services and answers
 * when each stream has all endpoints; `expect SERVICE` begins to wait for one more message on every stream of the service, and
 * `await` answers when all came, with the times of arrival; `check` compares with the state of the cluster, given as JSON.
 */
import type { Empty } from '@bufbuild/protobuf/wkt';
import type { GrpcClient } from '#runtime/grpc';
import { loopbackClient } from '../loopback.ts';
import { address, serviceName } from '../simulated-cluster.ts';
import { answerCommands } from '../worker.ts';
import { LIGHT_GET, readUpdate } from './light.ts';
import { decodeShape, followedBy, sharedMs } from './shape.ts';

const shape = decodeShape(process.argv[2]);
const port = Number(process.argv[3]);

/** One stream of endpoints. */
interface Follower {
  service: number;
  /** Addresses as numbers. */
  has: Set<number>;
  /** It has had all endpoints once. */
  complete: boolean;
}

const followers: Follower[] = [];
let messages = 0;
let retries = 0;
let waiting: { service: number; missing: number; atMs: number[]; done(): void } | undefined;
let opened = { missing: 0, done: () => {} };

function receive(follower: Follower, message: Empty): void {
  const { has } = follower;
  messages += 1;
  readUpdate(
    message,
    (ip) => has.add(ip),
    (ip) => has.delete(ip),
  );
  if (waiting?.service === follower.service) {
    waiting.atMs.push(sharedMs());
    waiting.missing -= 1;
    if (waiting.missing === 0) waiting.done();
  }
  if (!follower.complete && has.size === shape.endpoints) {
    follower.complete = true;
    opened.missing -= 1;
    if (opened.missing === 0) opened.done();
  }
}

/** Waits before a stream that the server could not take now is opened again, as a proxy waits. */
const RETRY_MS = 100;

/** Opens a stream. Where many open at once, those that the server does not take are tried again. */
function follow(client: GrpcClient, follower: Follower, request: { path: string; contextToken: string }): void {
  follower.has.clear();
  client.serverStream(LIGHT_GET, request, {
    message: (message) => receive(follower, message),
    ended(error) {
      if (error?.code !== 'UNAVAILABLE') {
        console.error('a stream ended', error);
        process.exit(1);
      }
      retries += 1;
      setTimeout(() => follow(client, follower, request), RETRY_MS);
    },
  });
}

function ipv4(text: string): number {
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

let arrived: Promise<readonly number[]> = Promise.resolve([]);
answerCommands({}, () => ({ messages, retries, streams: followers.length }), {
  open() {
    const all = new Promise<void>((done) => {
      opened = { missing: shape.proxies * Math.min(shape.follows, shape.services), done };
    });
    const clients = Array.from({ length: shape.connections }, () => loopbackClient('destination:8086', port));
    for (let proxy = 0; proxy < shape.proxies; proxy++) {
      const client = clients[proxy % clients.length]!;
      const contextToken = `{"ns":"shop", "nodeName":"node-${proxy % 10}", "pod":"proxy-${proxy}"}\n`;
      for (const service of followedBy(shape, proxy)) {
        const follower: Follower = { service, has: new Set(), complete: false };
        followers.push(follower);
        follow(client, follower, {
          path: `${serviceName(service)}.shop.svc.cluster.local:80`,
          contextToken,
        });
      }
    }
    return all.then(() => ({ streams: followers.length }));
  },
  expect(argument) {
    const service = Number(argument);
    const missing = followers.filter((follower) => follower.service === service).length;
    arrived = new Promise((resolve) => {
      const atMs: number[] = [];
      waiting = { service, missing, atMs, done: () => resolve(atMs) };
    });
    return { missing };
  },
  await: async () => ({ atMs: await arrived }),
  check(argument) {
    const { ready } = JSON.parse(argument) as { ready: string[] };
    const wanted = ready.map((flags, i) =>
      [...flags].flatMap((flag, e) => (flag === '1' ? ipv4(address(shape, i, e)) : [])),
    );
    const wrong = followers.filter(({ service, has }) => {
      const want = wanted[service] ?? [];
      return want.length !== has.size || !want.every((ip) => has.has(ip));
    }).length;
    return { wrong, atMs: sharedMs(), messages };
  },
});
