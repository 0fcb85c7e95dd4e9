/**
 * The remote clusters, `bun remotes.ts SCALE`; says at which ports. Commands: `flip CLUSTER:SERVICE` takes an endpoint out or puts it back
 * in; `label CLUSTER:SERVICE:TEXT` gives a Service one more label; `flood CLUSTER:RATE` changes endpoints and Services of a cluster at random,
 * so many a second, until `calm`.
 */
import { seededRandom } from '#runtime/random';
import { sharedMs } from '../destination/shape.ts';
import { SimulatedCluster } from '../simulated-cluster.ts';
import { answerCommands } from '../worker.ts';
import { decodeScale, firstAddress, MODES } from './scale.ts';

const scale = decodeScale(process.argv[2]);
const labels = MODES[scale.mode];
const clusters = Array.from(
  { length: scale.clusters },
  (_, i) => new SimulatedCluster(scale, { labels, firstAddress: firstAddress(scale, i) }),
);
const ports = await Promise.all(clusters.map((cluster) => cluster.listen()));
const random = seededRandom(11);
const below = (max: number) => Math.floor(random() * max);
const TURN_MS = 10;
let flooding: { timer: NodeJS.Timeout; changes: number } | undefined;

function flood(cluster: SimulatedCluster, rate: number): void {
  const beginMs = performance.now();
  const flood = { changes: 0, timer: setInterval(turn, TURN_MS) };
  flooding = flood;
  function turn(): void {
    const due = Math.floor(((performance.now() - beginMs) / 1000) * rate);
    for (; flood.changes < due; flood.changes++) {
      const service = below(scale.services);
      if (flood.changes % 2 === 0) cluster.flip(service, below(scale.endpoints));
      else cluster.label(service, { ...labels, turn: String(flood.changes) });
    }
  }
}

answerCommands({ ports }, () => ({}), {
  flip(argument) {
    const [cluster = 0, service = 0] = argument.split(':').map(Number);
    clusters[cluster]!.flip(service, 0);
    return { atMs: sharedMs() };
  },
  label(argument) {
    const [cluster, service, text = ''] = argument.split(':');
    clusters[Number(cluster)]!.label(Number(service), { ...labels, note: text });
    return { atMs: sharedMs() };
  },
  flood(argument) {
    const [cluster = 0, rate = 0] = argument.split(':').map(Number);
    flood(clusters[cluster]!, rate);
  },
  calm() {
    clearInterval(flooding?.timer);
    return { changes: flooding?.changes ?? 0 };
  },
});
