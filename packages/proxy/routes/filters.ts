import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { HeaderEdit, HttpFilter, HttpMatch } from '../discover/index.ts';
import type { HeadPatch } from '../http/index.ts';
import type { RequestView } from './match.ts';

/** What a route's filters do to one request. */
export interface Filtered {
  /** Answer in place of the server. */
  readonly fault?: Fault;
  readonly request?: HeadPatch;
  readonly response?: HeadPatch;
}

/** Applies filters in order; the first that answers ends it. `match`: how the request came to its route. */
export function applyFilters(
  filters: readonly HttpFilter[],
  request: RequestView,
  match: HttpMatch | undefined,
  random: Random,
): Filtered {
  let requestPatch: HeadPatch | undefined;
  let responsePatch: HeadPatch | undefined;
  for (const filter of filters) {
    switch (filter.kind) {
      case 'fail':
        if (random() < filter.ratio) return { fault: withStatus(new Fault('injected', filter.message), filter.status) };
        break;
      case 'redirect': {
        const fault = redirect(filter, request, match);
        if (fault) return { fault };
        break;
      }
      case 'request-headers':
        requestPatch = joined(requestPatch, patchOf(filter.edit));
        break;
      case 'response-headers':
        responsePatch = joined(responsePatch, patchOf(filter.edit));
        break;
    }
  }
  return { ...(requestPatch && { request: requestPatch }), ...(responsePatch && { response: responsePatch }) };
}

function withStatus(fault: Fault, status: number, location?: string): Fault {
  fault.status = status;
  fault.location = location;
  return fault;
}

type Redirect = Extract<HttpFilter, { kind: 'redirect' }>;

/** Undefined when it would lead to where the request is already going. */
function redirect(filter: Redirect, request: RequestView, match: HttpMatch | undefined): Fault | undefined {
  let path = request.path;
  if (filter.path?.kind === 'full') path = filter.path.value;
  if (filter.path?.kind === 'prefix') {
    if (match?.path?.kind !== 'prefix')
      return new Fault('filter-failure', 'a prefix can only be replaced where one matched');
    const rest = request.path.slice(match.path.value.replace(/\/$/, '').length);
    path = `${filter.path.value.replace(/\/$/, '')}${rest === '' || rest.startsWith('/') ? rest : `/${rest}`}` || '/';
  }
  const host = filter.host ?? request.host;
  const scheme = filter.scheme ?? 'http';
  const port = filter.port === undefined || filter.port === (scheme === 'https' ? 443 : 80) ? '' : `:${filter.port}`;
  const same = path === request.path && host === request.host && scheme === 'http' && port === '';
  return same ? undefined : withStatus(new Fault('redirected'), filter.status, `${scheme}://${host}${port}${path}`);
}

/** Order of the edits: add, then set (which replaces), then remove. */
function patchOf({ add, set, remove }: HeaderEdit): HeadPatch {
  const removed = new Set([...set.map(([name]) => name), ...remove]);
  const gone = new Set(remove);
  const kept = [...add.filter(([name]) => !removed.has(name)), ...set.filter(([name]) => !gone.has(name))];
  return { removed, lines: kept.map(([name, value]) => Buffer.from(`${name}: ${value}\r\n`, 'latin1')) };
}

function joined(first: HeadPatch | undefined, second: HeadPatch): HeadPatch {
  if (!first) return second;
  return { removed: new Set([...first.removed, ...second.removed]), lines: [...first.lines, ...second.lines] };
}
