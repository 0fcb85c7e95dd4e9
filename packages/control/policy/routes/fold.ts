/** Every route of the cluster, found by what it is attached to and by where it leads. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#api/kube';
import { Collection, keyOf, type Listener, Topics, type Watched } from '../../fold/index.ts';
import { Refusal } from '../admission/refusal.ts';
import { fitting, type Objection, objectionTo, type ParentProblem } from './accept.ts';
import { type Attachment, goesBefore, inOrder, type ParentKind, parentKind } from './attach.ts';
import { ROUTE_SOURCES, type RouteSource, readRoute, readUnreadable } from './read.ts';
import type { RouteRecord } from './record.ts';

/** Called for a route that cannot be read: what was last read of it stays. */
export type RouteProblem = (resource: string, key: string, problem: string) => void;

/** All but what is written about a route. */
const meaningOf = ({ status: _, resourceVersion: __, generation: ___, gvr: ____, ...meaning }: RouteRecord) => meaning;

/** A parent or backend: `service:shop/web`. */
const topicOf = (kind: string, key: string): string => `${kind}:${key}`;

const kindOf = (group: string, kind: string): string => `${group}/${kind.toLowerCase()}`;

export class Routes {
  readonly #topics = new Topics();
  /** Routes by the topics of their parents. */
  readonly #attached = new Map<string, Set<RouteRecord>>();
  /** Routes by the topics of their backends. */
  readonly #leading = new Map<string, Set<RouteRecord>>();
  /** By group and kind, as in `gateway.networking.k8s.io/httproute`. */
  readonly #collections: ReadonlyMap<string, Collection<RouteRecord>>;
  readonly #parentProblem: ParentProblem;
  /** What has to be watched for it. */
  readonly watched: readonly Watched[];

  constructor(problem: RouteProblem, parentProblem: ParentProblem) {
    this.#parentProblem = parentProblem;
    const rows = ROUTE_SOURCES.map((source) => ({
      kind: kindOf(source.group, source.kind),
      gvr: source.gvr,
      olderVersions: source.olderVersions,
      collection: new Collection<RouteRecord>(
        (object, old) => readOrKeep(source, object, old, problem),
        (_, now, old) => this.#changed(now, old),
      ),
    }));
    this.watched = rows;
    this.#collections = new Map(rows.map(({ kind, collection }) => [kind, collection]));
  }

  /** A route by its kind, in any case, and `namespace/name`. */
  find(group: string, kind: string, key: string): RouteRecord | undefined {
    return this.#collections.get(kindOf(group, kind))?.records.get(key);
  }

  /** Every route, in no order. */
  *all(): Iterable<RouteRecord> {
    for (const collection of this.#collections.values()) yield* collection.records.values();
  }

  /** Routes that name the parent, with each of their references to it; older ones first. */
  attachments(kind: ParentKind, key: string): Attachment[] {
    return this.#unordered(kind, key).sort((a, b) => inOrder(a.route, b.route));
  }

  /** Those that count; about the others there is an {@link objection}. */
  effective(kind: ParentKind, key: string): Attachment[] {
    const all = this.attachments(kind, key);
    const rivals = fitting(all, kind);
    const missing = this.#parentProblem(kind, key);
    return all.filter((attachment) => objectionTo(attachment, kind, rivals, missing) === undefined);
  }

  /** Why a route does not count on a parent; undefined when it does. */
  objection(attachment: Attachment, kind: ParentKind): Objection | undefined {
    const key = keyOf(attachment.ref.namespace, attachment.ref.name);
    const stronger = this.#unordered(kind, key, (other) => goesBefore(other, attachment.route));
    const rivals = fitting(stronger, kind);
    return objectionTo(attachment, kind, rivals, this.#parentProblem(kind, key));
  }

  #unordered(kind: ParentKind, key: string, counts: (route: RouteRecord) => boolean = () => true): Attachment[] {
    const found: Attachment[] = [];
    for (const route of this.#attached.get(topicOf(kind, key)) ?? [])
      if (counts(route))
        for (const ref of route.parents)
          if (parentKind(ref) === kind && keyOf(ref.namespace, ref.name) === key) found.push({ route, ref });
    return found;
  }

  /** Calls back after changes of the routes on a parent, and of what their backends are ({@link backendChanged}). */
  onParent(kind: ParentKind, key: string, listener: Listener): () => void {
    return this.#topics.subscribe(topicOf(kind, key), undefined, listener);
  }

  /** Tells those whose routes lead to `service:key` or the like that it came, changed its nature or went. */
  backendChanged(kind: 'service' | 'egressnetwork', key: string): void {
    for (const route of this.#leading.get(topicOf(kind, key)) ?? []) this.#touchParents(route);
  }

  #changed(now: RouteRecord | undefined, old: RouteRecord | undefined): void {
    if (old) {
      for (const topic of parentTopics(old)) remove(this.#attached, topic, old);
      for (const topic of backendTopics(old)) remove(this.#leading, topic, old);
    }
    if (now) {
      for (const topic of parentTopics(now)) add(this.#attached, topic, now);
      for (const topic of backendTopics(now)) add(this.#leading, topic, now);
    }
    // All proxies that use a route are not asked to look again because its status was written.
    if (now && old && isDeepStrictEqual(meaningOf(now), meaningOf(old))) return;
    if (old) this.#touchParents(old);
    if (now) this.#touchParents(now);
  }

  #touchParents(route: RouteRecord): void {
    for (const topic of parentTopics(route)) this.#topics.touch(topic);
  }
}

function readOrKeep(
  source: RouteSource,
  object: KubeObject,
  old: RouteRecord | undefined,
  problem: RouteProblem,
): RouteRecord | undefined {
  try {
    return readRoute(source, object);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    problem(source.gvr.resource, keyOf(object.metadata.namespace, object.metadata.name), error.message);
    return readUnreadable(source, object, old, error.message);
  }
}

function parentTopics(route: RouteRecord): Set<string> {
  const topics = new Set<string>();
  for (const ref of route.parents) {
    const kind = parentKind(ref);
    if (kind) topics.add(topicOf(kind, keyOf(ref.namespace, ref.name)));
  }
  return topics;
}

/** A backend without a namespace is looked for beside each parent, and beside the route. */
function backendTopics(route: RouteRecord): Set<string> {
  const topics = new Set<string>();
  const around = new Set([route.namespace, ...route.parents.map((ref) => ref.namespace)]);
  for (const rule of route.rules) {
    const mirrors = rule.filters.flatMap((filter) => (filter.type === 'mirror' ? [filter.backend] : []));
    for (const { kind, name, namespace } of [...(rule.backends ?? []), ...mirrors])
      for (const each of namespace === undefined ? around : [namespace]) topics.add(topicOf(kind, keyOf(each, name)));
  }
  return topics;
}

function add(map: Map<string, Set<RouteRecord>>, topic: string, route: RouteRecord): void {
  const set = map.get(topic);
  if (set) set.add(route);
  else map.set(topic, new Set([route]));
}

function remove(map: Map<string, Set<RouteRecord>>, topic: string, route: RouteRecord): void {
  const set = map.get(topic);
  set?.delete(route);
  if (set?.size === 0) map.delete(topic);
}
