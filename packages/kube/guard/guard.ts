import type { Gvr, KubeObject } from '#api/kube';
import { AnswerFault, type AnswerGuard, type CollectionGuard, isOlder } from '#kube/client';
import type { Clock } from '#runtime/clock';
import { isOfFamily, refusedAddress } from './addresses.ts';
import type { AnswerBudget } from './budget.ts';
import { metadata, SHAPES } from './resources.ts';
import { isObject } from './shape.ts';

/** Told of what is left out of objects. */
export interface GuardObserver {
  /** `object`: resource and name. `why` undefined: nothing is left out of it any more. */
  refused(object: string, why: string | undefined): void;
}

/** The guard for one API server. */
export function createAnswerGuard(
  budget: AnswerBudget,
  clock: Pick<Clock, 'nowMs'>,
  observer?: GuardObserver,
): AnswerGuard {
  const kept: Kept = { bytes: 0 };
  return {
    answerBytesMax: budget.answerBytesMax,
    objectBytesMax: budget.objectBytesMax,
    follow: (gvr) => new Collection(gvr, kept, budget, clock, observer),
  };
}

/** Of all resources of one server. */
interface Kept {
  bytes: number;
}

class Collection implements CollectionGuard {
  readonly #gvr: Gvr;
  readonly #kept: Kept;
  readonly #budget: AnswerBudget;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #observer: GuardObserver | undefined;
  /** What is known: by `namespace/name`, how many bytes are kept of it. */
  readonly #objects = new Map<string, number>();
  /** What something is left out of. */
  readonly #refused = new Set<string>();
  /** Those of them that the list under way has not named yet. */
  #unseen = new Set<string>();
  #bytes = 0;
  #listAtMs = 0;
  #pages = 0;
  /** The last event, and its version. */
  #last = '';
  #version = '';
  #events: { left: number; atMs: number };

  constructor(
    gvr: Gvr,
    kept: Kept,
    budget: AnswerBudget,
    clock: Pick<Clock, 'nowMs'>,
    observer: GuardObserver | undefined,
  ) {
    this.#gvr = gvr;
    this.#kept = kept;
    this.#budget = budget;
    this.#clock = clock;
    this.#observer = observer;
    this.#events = { left: budget.eventsBurst, atMs: clock.nowMs() };
  }

  listing(): void {
    this.#forget();
    this.#listAtMs = this.#clock.nowMs();
    this.#pages = 0;
    this.#last = '';
    this.#unseen = new Set(this.#refused);
  }

  page(page: unknown, bytes: number): void {
    const elapsedMs = this.#clock.nowMs() - this.#listAtMs;
    const { listMsMax, objectBytesMax } = this.#budget;
    const { resource } = this.#gvr;
    if (elapsedMs > listMsMax || ++this.#pages > this.#objectsMax)
      throw new AnswerFault(
        'EndlessList',
        `page ${this.#pages} of ${resource} after ${Math.round(elapsedMs / 1000)} s, where ${this.#objectsMax} pages and ${listMsMax / 1000} s are the most`,
      );
    if (!isObject(page) || !isObject(page['metadata']))
      throw invalid(`expected a list of ${resource}, got ${short(page)}`);
    this.#expectKind(page, 'List');
    const { items = null } = page;
    const { resourceVersion, continue: next } = page['metadata'];
    if (typeof resourceVersion !== 'string' || !['string', 'undefined'].includes(typeof next))
      throw invalid(`expected a list of ${resource} with its version, got ${short(page['metadata'])}`);
    if (items !== null && !Array.isArray(items)) throw invalid(`expected a list of ${resource}, got ${short(items)}`);
    for (const item of items ?? []) {
      if (bytes > objectBytesMax) this.#measure(item);
      this.#keep(this.#checked(item, false));
    }
    this.#version = resourceVersion;
    if (next) return;
    for (const object of this.#unseen) this.#refuse(object, undefined);
  }

  event(event: unknown): boolean {
    this.#count();
    const { type, object } = event as { type: unknown; object: unknown };
    if (type === 'ERROR') return true;
    if (typeof type !== 'string' || !TYPES.has(type))
      throw invalid(`expected events of ${this.#gvr.resource}, got one of type ${short(type)}`);
    if (type === 'BOOKMARK') return this.#bookmark(object);
    const checked = this.#checked(object, true);
    const version = checked.metadata.resourceVersion ?? '';
    const key = keyOf(checked);
    const said = `${type} ${key} ${version}`;
    if (said === this.#last) return false;
    this.#advance(version, key);
    this.#last = said;
    if (type === 'DELETED') this.#gone(key);
    else this.#keep(checked);
    return true;
  }

  stop(): void {
    this.#forget();
    for (const object of this.#refused) this.#observer?.refused(object, undefined);
    this.#refused.clear();
  }

  get #objectsMax(): number {
    return this.#budget.objectsMax[this.#gvr.resource] ?? this.#budget.objectsMaxElse;
  }

  #bookmark(object: unknown): boolean {
    const version =
      isObject(object) && isObject(object['metadata']) ? object['metadata']['resourceVersion'] : undefined;
    if (typeof version !== 'string') throw invalid(`expected a bookmark with a version, got ${short(object)}`);
    this.#advance(version, 'a bookmark');
    return true;
  }

  /** In one watch, versions grow. They are compared where they are numbers, as those of Kubernetes are. */
  #advance(version: string, of: string): void {
    if (isOlder(version, this.#version))
      throw invalid(
        `versions of ${this.#gvr.resource} go backwards: expected one from ${this.#version} on, got ${version} for ${of}`,
      );
    this.#version = version;
  }

  /** An object with the shape that it must have, without what it must not contain. */
  #checked(item: unknown, named: boolean): KubeObject {
    const { resource } = this.#gvr;
    if (!isObject(item)) throw invalid(`expected one of ${resource}, got ${short(item)}`);
    if (named || item['kind'] !== undefined) this.#expectKind(item, '');
    const problem = metadata(item['metadata']);
    const object = item as unknown as KubeObject;
    const name = problem === undefined ? keyOf(object) : (object.metadata?.name ?? '');
    const found =
      (problem && `metadata${problem}`) ??
      nameProblem(object, resource) ??
      SHAPES[resource]?.(item)?.replace(/^\./, '');
    if (found !== undefined) throw invalid(`${resource} ${short(name)}: ${found.replace(/^: /, '')}`);
    if (resource === 'endpointslices') this.#refuse(`${resource} ${name}`, takeOutAddresses(item));
    return object;
  }

  #expectKind(value: Record<string, unknown>, suffix: '' | 'List'): void {
    const { group, version, resource } = this.#gvr;
    const { kind, apiVersion } = value;
    const wanted = group === '' ? version : `${group}/${version}`;
    const isMetadata = kind === `PartialObjectMetadata${suffix}` && String(apiVersion).startsWith('meta.k8s.io/');
    if (isMetadata || (apiVersion === wanted && isKindOf(kind, resource, suffix))) return;
    const what = suffix === 'List' ? `a list of ${resource}` : `one of ${resource}`;
    throw invalid(`expected ${what} of ${wanted}, got kind ${short(kind)} of ${short(apiVersion)}`);
  }

  #measure(item: unknown): void {
    const bytes = JSON.stringify(item).length;
    const { objectBytesMax } = this.#budget;
    if (bytes <= objectBytesMax) return;
    const name = isObject(item) && isObject(item['metadata']) ? item['metadata']['name'] : undefined;
    throw new AnswerFault(
      'ObjectTooLarge',
      `one of ${this.#gvr.resource}, ${short(name)}, has ${bytes} bytes, and ${objectBytesMax} are the most`,
    );
  }

  #keep(object: KubeObject): void {
    const key = keyOf(object);
    const bytes = keptBytes(object);
    this.#drop(key);
    if (this.#objects.size >= this.#objectsMax)
      throw new AnswerFault('TooManyObjects', `more than ${this.#objectsMax} ${this.#gvr.resource}`);
    const { keptBytesMax } = this.#budget;
    if (this.#kept.bytes + bytes > keptBytesMax)
      throw new AnswerFault(
        'TooMuchToKeep',
        `more than ${keptBytesMax} bytes of all objects, with ${this.#objects.size} ${this.#gvr.resource}`,
      );
    this.#objects.set(key, bytes);
    this.#add(bytes);
  }

  #drop(key: string): void {
    this.#add(-(this.#objects.get(key) ?? 0));
    this.#objects.delete(key);
  }

  #gone(key: string): void {
    this.#drop(key);
    this.#refuse(`${this.#gvr.resource} ${key}`, undefined);
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#kept.bytes += bytes;
  }

  #forget(): void {
    this.#add(-this.#bytes);
    this.#objects.clear();
  }

  #refuse(object: string, why: string | undefined): void {
    if (why === undefined && !this.#refused.delete(object)) return;
    if (why !== undefined) this.#refused.add(object);
    this.#unseen.delete(object);
    this.#observer?.refused(object, why);
  }

  #count(): void {
    const { eventsBurst, eventsPerSecond } = this.#budget;
    const nowMs = this.#clock.nowMs();
    const { left, atMs } = this.#events;
    this.#events = { left: Math.min(eventsBurst, left + ((nowMs - atMs) / 1000) * eventsPerSecond) - 1, atMs: nowMs };
    if (this.#events.left >= 0) return;
    throw new AnswerFault(
      'TooManyEvents',
      `more than ${eventsPerSecond} events of ${this.#gvr.resource} a second and ${eventsBurst} at once${this.#last && `, the last one ${this.#last}`}`,
    );
  }
}

const TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

const invalid = (message: string): AnswerFault => new AnswerFault('InvalidAnswer', message);
const short = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 100);
const keyOf = ({ metadata: { namespace, name = '' } }: KubeObject): string =>
  namespace ? `${namespace}/${name}` : name;

/** Names of most things are DNS subdomains, those of Services and namespaces labels: RFC 1123. */
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function nameProblem({ metadata: { name = '', namespace } }: KubeObject, resource: string): string | undefined {
  if (!(resource === 'services' ? LABEL : SUBDOMAIN).test(name)) return `expected a name, got ${short(name)}`;
  return namespace === undefined || LABEL.test(namespace) ? undefined : `expected a namespace, got ${short(namespace)}`;
}

/** Whether a kind is what a resource is called: Service of services, Endpoints of endpoints, Policy of policies. */
function isKindOf(kind: unknown, resource: string, suffix: string): boolean {
  if (typeof kind !== 'string' || !kind.endsWith(suffix)) return false;
  const singular = kind.slice(0, kind.length - suffix.length).toLowerCase();
  return [singular, `${singular}s`, `${singular}es`, singular.replace(/y$/, 'ies')].includes(resource);
}

/** Readers keep metadata, what a Service says, and endpoints; of a pod's containers next to nothing. */
function keptBytes(object: KubeObject): number {
  const { metadata: all, spec, endpoints } = object as KubeObject & { spec?: object; endpoints?: unknown };
  const { managedFields: _fields, ...kept } = all;
  const isPod = isObject(spec) && 'containers' in spec;
  return JSON.stringify([kept, isPod ? 0 : spec, endpoints]).length;
}

/** Takes out endpoints with addresses that Kubernetes would refuse. Returns which, in words; undefined: none. */
function takeOutAddresses(slice: Record<string, unknown>): string | undefined {
  const endpoints = (slice['endpoints'] ?? []) as { addresses: string[] }[];
  const { addressType } = slice;
  if (addressType === 'FQDN') return undefined;
  const why: string[] = [];
  const taken = endpoints.filter(({ addresses }) => {
    const bad = addresses.map((address) => [address, addressProblem(address, addressType)] as const);
    const found = bad.find(([, problem]) => problem !== undefined);
    if (found) why.push(`${found[0].slice(0, 64)} ${found[1]}`);
    return !found;
  });
  if (why.length === 0) return undefined;
  slice['endpoints'] = taken;
  const more = why.length > SAID_MAX ? `, and ${why.length - SAID_MAX} more` : '';
  return `${why.slice(0, SAID_MAX).join(', ')}${more}`;
}

/** So many addresses of a slice are named. */
const SAID_MAX = 3;

const addressProblem = (address: string, family: unknown): string | undefined =>
  refusedAddress(address) ?? (isOfFamily(address, family) ? undefined : `is not of the family ${family}`);
