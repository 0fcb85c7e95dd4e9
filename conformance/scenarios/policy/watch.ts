/** The policy controller of a lab, asked as proxies ask it. */
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { loadAccess } from '#kube/config';
import { openForward } from '#kube/port-forward';
import { createGrpcClient, type GrpcClient, type GrpcError } from '#runtime/grpc';
import { eventually, type Lab } from '../../harness/index.ts';

const POLICY_PORT = 8090;

/** A client of the controller, over a port that is forwarded to its pod. */
export async function policyClient(lab: Lab): Promise<GrpcClient> {
  const access = await loadAccess({}, { KUBECONFIG: await lab.ok('printf %s "$KUBECONFIG"') });
  const selector = '-l linkerd.io/control-plane-component=destination';
  const pod = (await lab.ok(`kubectl -n linkerd get pod ${selector} -o jsonpath='{.items[0].metadata.name}'`)).trim();
  return createGrpcClient({
    authority: `linkerd-policy.linkerd.svc:${POLICY_PORT}`,
    connect: () => openForward(access, { namespace: 'linkerd', pod, port: POLICY_PORT }),
  });
}

/** What a stream says, each message as its JSON; `J` is as much of that as is read. */
export class Heard<J> {
  readonly all: J[] = [];
  #ended: string | undefined;
  readonly #withinMs: number;

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  /** Receives a stream's messages. */
  sink<O extends DescMessage>(schema: O) {
    return {
      message: (message: MessageShape<O>) => void this.all.push(toJson(schema, message) as J),
      ended: (error: GrpcError | undefined) => {
        this.#ended = error ? `${error.code}: ${error.message}` : 'OK';
      },
    };
  }

  /** The newest message; throws before the first. */
  get last(): J {
    const last = this.all.at(-1);
    if (last === undefined) throw new Error(`nothing was said${this.#ended ? `, it ended: ${this.#ended}` : ''}`);
    return last;
  }

  /** Waits until `check` throws no more about the newest message. */
  async becomes(what: string, check: (last: J) => void): Promise<void> {
    await eventually(what, this.#withinMs, async () => {
      check(this.last);
      return true;
    });
  }

  /** Waits until the controller completes the stream. */
  async completes(): Promise<void> {
    await eventually('the stream ends', this.#withinMs, async () => {
      if (this.#ended !== 'OK') throw new Error(this.#ended ?? `open; last: ${JSON.stringify(this.all.at(-1))}`);
      return true;
    });
  }
}

/** `{"default": "http"}` for what no object stands for. */
export interface MetadataJson {
  default?: string;
  resource?: { group: string; kind: string; name: string };
}

/** A route as both directions write it, as far as the scenarios read it. */
export interface RouteJson {
  metadata: MetadataJson;
  rules?: { matches?: object[]; backends?: object }[];
}

/** A message of WatchPort. */
export interface PortPolicy {
  labels: Record<string, string>;
  authorizations?: { metadata: MetadataJson; [part: string]: unknown }[];
  protocol: Record<string, { httpRoutes?: RouteJson[]; routes?: RouteJson[]; localRateLimit?: object }>;
}

/** A message of OutboundPolicies.Watch. */
export interface TargetPolicy {
  metadata: MetadataJson;
  protocol: Record<
    string,
    { timeout?: string; routes?: RouteJson[]; http1?: { routes: RouteJson[] }; opaque?: { routes: RouteJson[] } }
  >;
}

/** An object's name, or what stands in the place of one. */
export const nameOf = ({ metadata }: Pick<RouteJson, 'metadata'>): string =>
  metadata.resource?.name ?? `default/${metadata.default}`;

/** Names of routes in their order. */
export const names = (routes: readonly RouteJson[] | undefined): string[] => (routes ?? []).map(nameOf);
