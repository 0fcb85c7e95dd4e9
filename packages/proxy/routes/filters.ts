import { Fault } from '#model/faults';
import type { Random } from '#runtime/random';
import type { Backend, HttpFilter, HttpMatch, PathEdit } from '../discover/index.ts';
import type { Exchange, Upstream } from '../http/index.ts';
import { bothEdits, fieldsEdit } from './fields-edit.ts';
import { hostOf, portOf } from './head-view.ts';

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

/**
 * Undefined when it would lead to where the request is already going. One that names no place asks for nothing but its status (303
 * turns another method into GET), so that is given. Without a port of its own it leads to that of the scheme it names, else to the
 * request's (Gateway API, HTTPRequestRedirectFilter).
 */
function redirect(filter: Redirect, { request, match }: Filtered): Fault | undefined {
  const path = filter.path ? editPath(filter.path, request.path, match) : request.path;
  if (path === undefined) return noPrefix();
  const own = { host: hostOf(request.authority), port: portOf(request.authority) ?? WELL_KNOWN_PORTS.http };
  const host = filter.host ?? own.host;
  const scheme = filter.scheme ?? 'http';
  const wellKnown = scheme === 'https' ? WELL_KNOWN_PORTS.https : WELL_KNOWN_PORTS.http;
  const port = filter.port ?? (filter.scheme === undefined ? own.port : wellKnown);
  const namesPlace = (filter.scheme ?? filter.host ?? filter.port ?? filter.path) !== undefined;
  const stays = path === request.path && host === own.host && scheme === 'http' && port === own.port;
  if (namesPlace && stays) return undefined;
  const fault = new Fault('redirected');
  fault.status = filter.status;
  fault.location = `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === wellKnown ? '' : `:${port}`}${path}`;
  return fault;
}
const WELL_KNOWN_PORTS = { http: 80, https: 443 } as const;

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
