/** Three clusters with one federated service, and a pod that asks it through its proxy and tells of every answer. */
import { createKubeClient, type KubeClient } from '#kube/client';
import { accessOf, parseKubeConfig, resolveContext } from '#kube/config';
import { changeFaults, DEFAULT_ROOT } from '#lab/supervisor';
import { eventually, type Lab, shop, startLab, webContainer, workload } from '../../conformance/harness/index.ts';

export const CLUSTERS = ['west', 'east', 'north'] as const;
export type Cluster = (typeof CLUSTERS)[number];
const MINUTE_MS = 60_000;
export const MEMBER = 'mirror.linkerd.io/federated';
const PERIOD_MS = 25;

/** Asks every so often, whatever became of the questions before; a line for each end: when it was asked, when it ended, and how. */
const ASKING = `
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true, maxSockets: 400 });
setInterval(() => {
  const askedMs = Date.now();
  const say = (what) => console.log(askedMs + " " + Date.now() + " " + what);
  const request = http.get("http://web-federated.shop/", { agent, timeout: 10000 }, (answer) => {
    let text = "";
    answer.on("data", (part) => { text += part; });
    answer.on("end", () => say(answer.statusCode === 200 ? (/from-\\w+/.exec(text)?.[0] ?? "200") : "status-" + answer.statusCode));
  });
  request.on("timeout", () => request.destroy(new Error("timeout")));
  request.on("error", (error) => say(error.code ?? error.message));
}, ${PERIOD_MS});
`;

/** How one request ended. */
export interface Answer {
  readonly askedMs: number;
  readonly endedMs: number;
  /** `from-CLUSTER`, a status, or an error's code. */
  readonly what: string;
}

/** `1795734000000 1795734000004 from-east`; undefined for other lines. */
export function readAnswer(line: string): Answer | undefined {
  const [, asked, ended, what] = /^(\d+) (\d+) (\S+)$/.exec(line) ?? [];
  return what === undefined ? undefined : { askedMs: Number(asked), endedMs: Number(ended), what };
}

export class FailoverLab {
  readonly lab: Lab;
  readonly #clients: Record<Cluster, KubeClient>;
  readonly #stopLog: () => void;
  /** What was answered since {@link forget}. */
  answers: Answer[] = [];

  private constructor(lab: Lab, clients: Record<Cluster, KubeClient>, pod: string) {
    this.lab = lab;
    this.#clients = clients;
    const path = `/api/v1/namespaces/shop/pods/${pod}/log?container=app&follow=true&tailLines=0`;
    const log = clients.west.lines(path, (line) => {
      const answer = readAnswer(line);
      if (answer) this.answers.push(answer);
    });
    this.#stopLog = () => log.stop();
  }

  /** Starts it; whoever called ends it. */
  static async start(): Promise<FailoverLab> {
    const lab = await startLab(['--clusters', CLUSTERS.join(), '--mesh']);
    try {
      await link(lab);
      await serve(lab);
      const config = parseKubeConfig(await lab.ok('kubectl config view --raw --flatten'), '/');
      const clientOf = (cluster: Cluster) => createKubeClient(accessOf(resolveContext(config, cluster)));
      const clients = { west: clientOf('west'), east: clientOf('east'), north: clientOf('north') };
      const pod = await lab.ok(
        "kubectl --context west -n shop get pod -l app=asking -o jsonpath='{.items[0].metadata.name}'",
      );
      return new FailoverLab(lab, clients, pod.trim());
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  forget(): void {
    this.answers = [];
  }

  /** The first answer that is so, waiting for it. */
  first(what: string, limitMs: number, isIt: (answer: Answer) => boolean): Promise<Answer> {
    return eventually(what, limitMs, async () => this.answers.find(isIt), 20);
  }

  /** Makes the Service of a cluster a member, or none any more. */
  async setMember(cluster: Cluster, isMember: boolean): Promise<void> {
    await this.#clients[cluster].patch(
      { group: '', version: 'v1', resource: 'services' },
      { namespace: 'shop', name: 'web' },
      { type: 'merge', body: { metadata: { labels: { [MEMBER]: isMember ? 'member' : null } } } },
    );
  }

  async annotate(annotations: Record<string, string | null>): Promise<void> {
    await this.#clients.west.patch(
      { group: '', version: 'v1', resource: 'services' },
      { namespace: 'shop', name: 'web-federated' },
      { type: 'merge', body: { metadata: { annotations } } },
    );
  }

  /** Between `west` and `east`. */
  async setNetwork(state: 'partition' | 'heal'): Promise<void> {
    const clusters = ['west', 'east'] as const;
    const change = state === 'heal' ? { heal: clusters } : { trouble: { kind: 'partition' } as const, clusters };
    // As `lab net` does, without the time that a command takes to start.
    await changeFaults({ name: this.lab.name, root: DEFAULT_ROOT }, change);
  }

  async stop(): Promise<void> {
    this.#stopLog();
    for (const client of Object.values(this.#clients)) client.close();
    await this.lab.down();
  }
}

async function link(lab: Lab): Promise<void> {
  const controllers = "--set 'controllers[0].link.ref.name=east' --set 'controllers[1].link.ref.name=north'";
  for (const cluster of CLUSTERS)
    await lab.ok(
      `weft --context ${cluster} multicluster install --gateway=false ${cluster === 'west' ? controllers : ''} |
        kubectl --context ${cluster} apply -f -`,
    );
  for (const cluster of ['east', 'north'])
    await lab.ok(
      `weft --context ${cluster} multicluster link-gen --cluster-name ${cluster} --gateway=false |
        kubectl --context west apply -f -`,
    );
}

async function serve(lab: Lab): Promise<void> {
  for (const cluster of CLUSTERS) {
    const asking = `{name: app, image: debian, command: [node, -e, ${JSON.stringify(ASKING)}]}`;
    const manifests = shop(workload('web', webContainer(`from-${cluster}`)));
    await lab.ok(`kubectl --context ${cluster} apply -f -`, { input: manifests });
    await lab.ok(`kubectl --context ${cluster} -n shop label service web ${MEMBER}=member`);
    if (cluster === 'west') await lab.ok('kubectl --context west apply -f -', { input: workload('asking', asking) });
  }
  for (const cluster of CLUSTERS)
    for (const namespace of ['linkerd-multicluster', 'shop'])
      await lab.ok(
        `kubectl --context ${cluster} -n ${namespace} wait --for=condition=Available --timeout=150s deploy --all`,
        { timeoutMs: 3 * MINUTE_MS },
      );
}
