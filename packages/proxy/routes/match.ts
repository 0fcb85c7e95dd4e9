import type { HostMatch, HttpMatch, HttpRoute, TextMatch } from '../discover/index.ts';

/** What matching may ask about a request. */
export interface RequestView {
  readonly method: string;
  /** Lower case, without port; '' when unknown. */
  readonly host: string;
  /** Without query. */
  readonly path: string;
  /** First value of a query parameter. */
  query(name: string): string | undefined;
  /** All values of a field (lower-case name), joined by commas. */
  header(name: string): string | undefined;
}

export interface Routed<R, T extends HttpRoute<R>> {
  readonly route: T;
  readonly rule: T['rules'][number];
  /** The match that won; undefined: the rule has none and takes everything. */
  readonly match: HttpMatch | undefined;
}

/** Whether every request takes the first rule of the only route, so that nothing needs to be compared. */
export function matchesEverything(routes: readonly HttpRoute<unknown & object>[]): boolean {
  const [only] = routes;
  if (routes.length !== 1 || !only || only.hosts.length > 0 || only.rules.length !== 1) return false;
  return only.rules[0]!.matches.every(
    (match) =>
      match.path?.kind !== 'regex' &&
      match.rpc === undefined &&
      (match.path === undefined || (match.path.kind === 'prefix' && match.path.value === '/')) &&
      match.headers.length === 0 &&
      match.query.length === 0 &&
      match.method === undefined,
  );
}

/**
 * The best route: an exact host beats a suffix, a longer suffix a shorter one, any of them none; among these the longest path,
 * then most headers, most query parameters, a method; ties go to the first.
 */
export function findRoute<R extends object, T extends HttpRoute<R>>(
  routes: readonly T[],
  request: RequestView,
): Routed<R, T> | undefined {
  let best: Routed<R, T> | undefined;
  let bestScore: readonly number[] = [];
  for (const route of routes) {
    const host = hostScore(route.hosts, request.host);
    if (host < 0) continue;
    for (const rule of route.rules as T['rules'][number][]) {
      const matches: readonly (HttpMatch | undefined)[] = rule.matches.length > 0 ? rule.matches : [undefined];
      for (const match of matches) {
        const score = matchScore(match, request);
        if (!score) continue;
        const whole = [host, ...score];
        if (best && !isGreater(whole, bestScore)) continue;
        best = { route, rule, match };
        bestScore = whole;
      }
    }
  }
  return best;
}

const EXACT_HOST = 1_000;

/** -1: no match. 0: the route is for any host. */
function hostScore(hosts: readonly HostMatch[], host: string): number {
  if (hosts.length === 0) return 0;
  let best = -1;
  for (const match of hosts) {
    if (match.kind === 'exact' && match.value === host) best = Math.max(best, EXACT_HOST);
    if (match.kind === 'suffix' && host.endsWith(`.${match.value}`))
      best = Math.max(best, match.value.split('.').length);
  }
  return best;
}

function matchScore(match: HttpMatch | undefined, request: RequestView): readonly number[] | undefined {
  if (!match) return [1, 0, 0, 0];
  if (match.rpc) return rpcScore(match, match.rpc, request);
  const path = pathScore(match.path, request.path);
  if (path < 0) return undefined;
  if (match.method !== undefined && match.method !== request.method) return undefined;
  for (const { name, match: text } of match.headers) if (!matchesText(text, request.header(name))) return undefined;
  for (const { name, match: text } of match.query) if (!matchesText(text, request.query(name))) return undefined;
  return [path, match.headers.length, match.query.length, match.method === undefined ? 0 : 1];
}

/** gRPC: a longer service name beats a shorter one, then a longer method name, then more headers. */
function rpcScore(
  { headers }: HttpMatch,
  rpc: NonNullable<HttpMatch['rpc']>,
  request: RequestView,
): readonly number[] | undefined {
  const slash = request.path.lastIndexOf('/');
  if (request.method !== 'POST' || slash < 1) return undefined;
  if (rpc.service !== '' && request.path.slice(1, slash) !== rpc.service) return undefined;
  if (rpc.method !== '' && request.path.slice(slash + 1) !== rpc.method) return undefined;
  for (const { name, match: text } of headers) if (!matchesText(text, request.header(name))) return undefined;
  return [rpc.service.length + 1, rpc.method.length, headers.length, 0];
}

function pathScore(match: TextMatch | undefined, path: string): number {
  if (!match) return 1;
  switch (match.kind) {
    case 'exact':
      return match.value === path ? path.length : -1;
    case 'regex':
      return match.regex.test(path) ? path.length : -1;
    case 'prefix':
      return hasPrefix(path, match.value) ? match.value.length : -1;
  }
}

/** Whole segments: `/foo` is a prefix of `/foo` and `/foo/x`, not of `/foobar`. */
function hasPrefix(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/';
}

function matchesText(match: TextMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  switch (match.kind) {
    case 'exact':
      return match.value === value;
    case 'regex':
      return match.regex.test(value);
    case 'prefix':
      return value.startsWith(match.value);
  }
}

function isGreater(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! > (b[i] ?? 0);
  return false;
}
