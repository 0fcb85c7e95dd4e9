/**
 * Who follows the mirrors, `bun clients.ts SCALE PORT`: one stream of endpoints for each local Service, over one connection. Commands: `open`
 * answers when each has all endpoints; `expect CLUSTER:SERVICE` begins to wait for the next change of that service's first endpoint and
 * `await` answers when it came.
 */

import { LIGHT_GET, readUpdate } from '../destination/light.ts';
import { sharedMs } from '../destination/shape.ts';
import { loopbackClient } from '../loopback.ts';
import { NAMESPACE } from '../simulated-cluster.ts';
import { answerCommands } from '../worker.ts';
import { addressNumber, decodeScale, followed } from './scale.ts';

const scale = decodeScale(process.argv[2]);
const client = loopbackClient('destination:8086', Number(process.argv[3]));
const services = followed(scale);
/** The server cannot take the stream now, or has not heard of the Service yet. */
const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'NOT_FOUND']);
/** Waits before such a stream is opened again, as a proxy waits. */
const RETRY_MS = 100;

let missing = services.length;
let allOpened = () => {};
const opened = new Promise<void>((resolve) => {
  allOpened = resolve;
});
let watched: { address: number; arrived(): void } | undefined;

function follow({ service, clusters }: (typeof services)[number]): void {
  const has = new Set<number>();
  let complete = false;
  const request = {
    path: `${service}.${NAMESPACE}.svc.cluster.local:80`,
    contextToken: `{"ns":"${NAMESPACE}", "nodeName":"node-0", "pod":"client"}\n`,
  };
  const seen = (ip: number): void => {
    if (watched?.address === ip) watched.arrived();
  };
  const open = (): void => {
    client.serverStream(LIGHT_GET, request, {
      message(message) {
        readUpdate(
          message,
          (ip) => {
            has.add(ip);
            seen(ip);
          },
          (ip) => {
            has.delete(ip);
            seen(ip);
          },
        );
        if (complete || has.size < clusters.length * scale.endpoints) return;
        complete = true;
        missing -= 1;
        if (missing === 0) allOpened();
      },
      ended(error) {
        if (!PASSING.has(error?.code ?? '')) {
          console.error('a stream ended', service, error);
          process.exit(1);
        }
        has.clear();
        setTimeout(open, RETRY_MS);
      },
    });
  };
  open();
}

let arrival: Promise<number> = Promise.resolve(0);
answerCommands({}, () => ({ streams: services.length }), {
  async open() {
    for (const each of services) follow(each);
    if (services.length > 0) await opened;
    return { streams: services.length };
  },
  expect(argument) {
    const [cluster = 0, service = 0] = argument.split(':').map(Number);
    arrival = new Promise((resolve) => {
      watched = {
        address: addressNumber(scale, cluster, service, 0),
        arrived: () => {
          watched = undefined;
          resolve(sharedMs());
        },
      };
    });
  },
  await: async () => ({ atMs: await arrival }),
});
