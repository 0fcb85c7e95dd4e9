import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { Backend, HttpFilter, HttpMatch, PathEdit } from '../discover/index.ts';
import type { Exchange, Upstream } from '../http/index.ts';
import { bothEdits, fieldsEdit } from './fields-edit.ts';
import { hostOf } from './head-view.ts';

/** What filters see of an exchange and change in it. */
export type Filtered = Pick<Exchange, 'request' | 'match' | 'responseEdit' | 'delayMs' | 'mirrorTo'>;

export interface FilterDeps {
  readonly random: Random;
  /** Where a mirror's copies go; undefined: nowhere. */
  readonly mirrorOf: (backend: Backend) => Upstream | undefined;
}

/** Applies filters in order to the attempt that an exchange is about to make; the first that answers ends it. */
export function applyFilters(filters: readonly HttpFilter[], exchange: Filtered, deps: FilterDeps): Fault | undefined {
  for (let i = 0; i < filters.length; i++) {
    const fault = applyFilter(filters[i]!, exchange, deps);
    if (fault) return fault;
  }
  return undefined;
}

function applyFilter(filter: HttpFilter, exchange: Filtered, deps: FilterDeps): Fault | undefined {
  switch (filter.kind) {
    case 'fail':
      return deps.random() < filter.ratio ? failed(filter.message, filter.status, undefined) : undefined;
    case 'fail-grpc':
      return deps.random() < filter.ratio ? failed(filter.message, undefined, filter.code) : undefined;
    case 'redirect':
      return redirect(filter, exchange);
    case 'request-headers':
      fieldsEdit(filter.edit).applyToRequest(exchange.request);
      return undefined;
    case 'response-headers':
      exchange.responseEdit = bothEdits(exchange.responseEdit, fieldsEdit(filter.edit));
      return undefined;
    case 'rewrite':
      return rewrite(filter, exchange);
    case 'delay':
      if (deps.random() < filter.ratio) exchange.delayMs += filter.delayMs;
      return undefined;
    case 'mirror':
      if (deps.random() < filter.ratio) mirror(exchange, deps.mirrorOf(filter.backend));
      return undefined;
  }
}

function failed(message: string, status: number | undefined, grpc: number | undefined): Fault {
  const fault = new Fault('injected', message);
  fault.status = status;
  fault.grpc = grpc;
  return fault;
}

function mirror(exchange: Filtered, target: Upstream | undefined): void {
  if (!target) return;
  exchange.mirrorTo ??= [];
  exchange.mirrorTo.push(target);
}

type Redirect = Extract<HttpFilter, { kind: 'redirect' }>;

/** Undefined when it would lead to where the request is already going. */
function redirect(filter: Redirect, { request, match }: Filtered): Fault | undefined {
  const path = filter.path ? editPath(filter.path, request.path, match) : request.path;
  if (path === undefined) return noPrefix();
  const own = hostOf(request.authority);
  const host = filter.host ?? own;
  const scheme = filter.scheme ?? 'http';
  const port = filter.port === undefined || filter.port === (scheme === 'https' ? 443 : 80) ? '' : `:${filter.port}`;
  if (path === request.path && host === own && scheme === 'http' && port === '') return undefined;
  const fault = new Fault('redirected');
  fault.status = filter.status;
  fault.location = `${scheme}://${host.includes(':') ? `[${host}]` : host}${port}${path}`;
  return fault;
}

type Rewrite = Extract<HttpFilter, { kind: 'rewrite' }>;

function rewrite(filter: Rewrite, { request, match }: Filtered): Fault | undefined {
  if (filter.host !== undefined) request.authority = filter.host;
  if (!filter.path) return undefined;
  const path = editPath(filter.path, request.path, match);
  if (path === undefined) return noPrefix();
  request.path = path;
  return undefined;
}

function noPrefix(): Fault {
  return new Fault('filter-failure', 'a prefix can only be replaced where one matched');
}

/** The changed path; the query stays as it was. Undefined: no prefix matched that could be replaced. */
function editPath(edit: PathEdit, target: string, match: HttpMatch | undefined): string | undefined {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (edit.kind === 'full') return absolute(edit.value) + query;
  if (match?.path?.kind !== 'prefix') return undefined;
  const rest = path.slice(match.path.value.replace(/\/$/, '').length);
  const joint = rest === '' || rest.startsWith('/') ? '' : '/';
  const edited = edit.value.replace(/\/$/, '') + joint + rest;
  return absolute(edited) + query;
}

/** Every path begins with a slash, whatever a route says. */
function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
