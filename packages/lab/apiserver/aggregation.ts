import type { Duplex } from 'node:stream';
import type { AnyObject, Condition } from '#api/kube';
import type { KeyPairPem, UserInfo } from '#lab/auth';
import { BackendError, exchange, openTls, relay, resolveService } from '#lab/backends';
import { ApiError, type ClusterClient, hasReason } from '#lab/contract';
import type { ForeignVersion } from '#lab/openapi';
import type { Store } from '#lab/store';
import type { Call, Detour } from './http/index.ts';
import { AGGREGATION_CHECK_INTERVAL_MS, AGGREGATION_CHECK_TIMEOUT_MS } from './limits.ts';
import { sameJson, timestamp } from './object-meta.ts';

const APISERVICES = 'apiregistration.k8s.io/apiservices';
const GVR = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' } as const;
const SLICES = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' } as const;

export interface AggregationDeps {
  readonly store: Store;
  readonly client: ClusterClient;
  readonly dial: (host: string, port: number) => Promise<Duplex>;
  /** Shown to aggregated servers, so that they believe the user headers. */
  readonly frontProxy: KeyPairPem;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly log: (line: string) => void;
  /** The discovery documents of aggregated servers changed. */
  readonly changed: () => void;
}

interface Spec {
  readonly group: string;
  readonly version: string;
  readonly service?: { readonly namespace: string; readonly name: string; readonly port?: number };
  readonly caBundle?: string;
  readonly insecureSkipTLSVerify?: boolean;
}

const specOf = (object: AnyObject): Spec => (object['spec'] ?? {}) as Spec;
const HTTPS_PORT = 443;

/** Group versions that other servers answer for (APIServices): requests are handed over, their health is kept in conditions. */
export class Aggregation implements Detour {
  readonly #deps: AggregationDeps;
  readonly #foreign = new Map<string, ForeignVersion>();
  readonly #stops: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: AggregationDeps) {
    this.#deps = deps;
    const check = (service: AnyObject): void => void this.#check(service);
    const checkAll = (): void => this.#services().forEach(check);
    this.#stops.push(
      deps.client.watch<AnyObject>(
        GVR,
        {},
        {
          reset: checkAll,
          applied: (service, old) => {
            if (!old || !sameJson(specOf(service), specOf(old))) check(service);
            this.#keepTime();
          },
          deleted: (service) => {
            if (this.#foreign.delete(service.metadata.name ?? '')) deps.changed();
          },
        },
      ),
      deps.client.watch<AnyObject>(
        SLICES,
        {},
        {
          reset: () => undefined,
          applied: (slice) => this.#endpointsChanged(slice),
          deleted: (slice) => this.#endpointsChanged(slice),
        },
      ),
    );
  }

  /** What discovery shows of other servers. */
  get foreign(): Iterable<ForeignVersion> {
    return this.#foreign.values();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    clearInterval(this.#timer);
  }

  /** Hands a request below an aggregated group version over; its path and verb stay as they are. */
  async take(call: Call): Promise<boolean> {
    const service = this.#serviceFor(call.info.path);
    if (!service) return false;
    const spec = specOf(service);
    try {
      const connection = await this.#connect(spec);
      const host = serverName(spec);
      const headers = { authorization: undefined, ...identity(call.request.headers, call.user) };
      await relay(call.request, call.reply, { connection, path: call.request.url ?? '/', host, headers });
    } catch (error) {
      this.#deps.log(`${service.metadata.name}: ${(error as Error).message}`);
      if (!call.reply.headersSent) throw ApiError.of('ServiceUnavailable', 'service unavailable');
    }
    return true;
  }

  #services(): AnyObject[] {
    const all = this.#deps.store.list(APISERVICES).map(({ object }) => object);
    return all.filter((service) => specOf(service).service);
  }

  #serviceFor(path: string): AnyObject | undefined {
    const [, apis, group, version] = path.split('/');
    if (apis !== 'apis' || !group || !version) return undefined;
    const found = this.#deps.store.get(APISERVICES, { name: `${version}.${group}` })?.object;
    return found && specOf(found).service ? found : undefined;
  }

  async #connect(spec: Spec): Promise<Duplex> {
    const { store, random, dial, frontProxy } = this.#deps;
    const { host, port } = resolveService(store, { ...spec.service!, port: spec.service?.port ?? HTTPS_PORT }, random);
    return openTls(await dial(host, port), {
      serverName: serverName(spec),
      ca: spec.caBundle ? Buffer.from(spec.caBundle, 'base64').toString() : undefined,
      insecure: spec.insecureSkipTLSVerify === true,
      clientCertificate: frontProxy,
    });
  }

  #endpointsChanged({ metadata }: AnyObject): void {
    const name = metadata.labels?.['kubernetes.io/service-name'];
    for (const service of this.#services()) {
      const ref = specOf(service).service;
      if (ref?.name === name && ref?.namespace === metadata.namespace) void this.#check(service);
    }
  }

  /** Checks are repeated only while there is something to check. */
  #keepTime(): void {
    const needed = this.#services().length > 0;
    if (needed === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = needed
      ? setInterval(() => {
          for (const service of this.#services()) void this.#check(service);
        }, AGGREGATION_CHECK_INTERVAL_MS)
      : undefined;
    this.#timer?.unref();
  }

  /** Asks the server for its resources and notes the outcome in the Available condition. Never rejects. */
  async #check(service: AnyObject): Promise<void> {
    const spec = specOf(service);
    const name = service.metadata.name ?? '';
    const outcome = spec.service ? await this.#probe(spec) : LOCAL;
    if (outcome.resources || spec.service) this.#note(name, spec, outcome.resources);
    const condition: Condition = {
      type: 'Available',
      status: outcome.reason === 'Passed' || outcome.reason === 'Local' ? 'True' : 'False',
      lastTransitionTime: timestamp(this.#deps.nowMs()),
      reason: outcome.reason,
      message: outcome.message,
    };
    const [before] = ((service['status'] as { conditions?: Condition[] } | undefined)?.conditions ?? []) as Condition[];
    if (
      before?.status === condition.status &&
      before.reason === condition.reason &&
      before.message === condition.message
    )
      return;
    try {
      const body = { status: { conditions: [condition] } };
      await this.#deps.client.patch(GVR, { name }, { type: 'merge', body, subresource: 'status' });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) this.#deps.log(`condition of ${name}: ${(error as Error).message}`);
    }
  }

  #note(name: string, { group, version }: Spec, resources: readonly Record<string, unknown>[] | undefined): void {
    const next: ForeignVersion = { group, version, ...(resources && { resources }) };
    if (sameJson(this.#foreign.get(name), next)) return;
    this.#foreign.set(name, next);
    this.#deps.changed();
  }

  async #probe(spec: Spec): Promise<Outcome> {
    const path = `/apis/${spec.group}/${spec.version}`;
    try {
      const connection = await this.#connect(spec);
      const signal = AbortSignal.timeout(AGGREGATION_CHECK_TIMEOUT_MS);
      const user = { name: 'system:kube-aggregator', groups: ['system:masters'] };
      const headers = { host: serverName(spec), accept: 'application/json', ...identity({}, user) };
      const answer = await exchange(connection, { method: 'GET', path, headers: withoutUndefined(headers), signal });
      if (answer.code !== 200)
        return failed('FailedDiscoveryCheck', `failing or missing response from ${path}: bad status: ${answer.code}`);
      const { resources } = JSON.parse(Buffer.from(answer.body).toString()) as {
        resources?: Record<string, unknown>[];
      };
      return { reason: 'Passed', message: 'all checks passed', resources: resources ?? [] };
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof BackendError)
        return failed(message.includes('not found') ? 'ServiceNotFound' : 'MissingEndpoints', message);
      return failed('FailedDiscoveryCheck', `failing or missing response from ${path}: ${message}`);
    }
  }
}

interface Outcome {
  readonly reason: string;
  readonly message: string;
  readonly resources?: readonly Record<string, unknown>[];
}

const LOCAL: Outcome = { reason: 'Local', message: 'Local APIServices are always available' };
const failed = (reason: string, message: string): Outcome => ({ reason, message });

const serverName = ({ service }: Spec): string => `${service?.name}.${service?.namespace}.svc`;

type Headers = Record<string, string | string[] | undefined>;

/** The user as aggregated servers read it; a client's own copies of these headers are dropped. */
function identity(incoming: Readonly<Record<string, unknown>>, user: UserInfo): Headers {
  const headers: Headers = {};
  for (const name of Object.keys(incoming)) if (name.startsWith('x-remote-')) headers[name] = undefined;
  headers['x-remote-user'] = user.name;
  headers['x-remote-group'] = [...user.groups];
  for (const [key, values] of Object.entries(user.extra ?? {}))
    headers[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  return headers;
}

const withoutUndefined = (headers: Headers): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  );
