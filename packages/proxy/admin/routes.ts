import type { AdminHandler, AdminRequest, AdminResponse } from '#runtime/admin';
import { CONTENT_TYPES, type TextFormat } from '#runtime/metrics';

export interface AdminState {
  /** The first certificate has come; never false again. */
  ready(): boolean;
  /** All metrics as text. */
  metrics(format: TextFormat): Promise<Buffer>;
  logFilter(): string;
  /** Error text when the filter is not understood. */
  setLogFilter(text: string): string | undefined;
  env(): Readonly<Record<string, string | undefined>>;
  /** Absent: the endpoint is off. */
  shutdown: (() => void) | undefined;
}

const text = (status: number, body: string): AdminResponse => ({ status, body });

type Methods = Readonly<Partial<Record<'GET' | 'PUT' | 'POST', AdminHandler>>>;

/** What each path answers to which method; another path is 404, another method 405. HEAD is GET without the body. */
export function adminRoutes(state: AdminState): Readonly<Record<string, AdminHandler>> {
  const getOrSetLogFilter: Methods = {
    GET: () => text(200, `${state.logFilter()}\n`),
    PUT: (request) => {
      const error = state.setLogFilter(request.body.trim());
      return error === undefined ? { status: 204 } : text(400, `${error}\n`);
    },
  };
  const shutdown = (): AdminResponse => {
    if (!state.shutdown) return text(404, 'shutdown endpoint is not enabled\n');
    state.shutdown();
    return text(200, 'shutdown\n');
  };
  return {
    '/live': methods({ GET: () => text(200, 'live\n') }),
    '/ready': methods({ GET: () => (state.ready() ? text(200, 'ready\n') : text(503, 'not ready\n')) }),
    '/metrics': methods({ GET: (request) => metrics(request, state) }),
    '/proxy-log-level': localOnly(methods(getOrSetLogFilter)),
    '/env.json': methods({ GET: (request) => envJson(request, state.env()) }),
    '/shutdown': localOnly(methods({ POST: shutdown })),
  };
}

function methods(handlers: Methods): AdminHandler {
  const allow = Object.keys(handlers).flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return (request) => {
    const name = request.method === 'HEAD' ? 'GET' : request.method;
    const handler = Object.hasOwn(handlers, name) ? handlers[name as keyof Methods] : undefined;
    return handler?.(request) ?? { status: 405, headers: { allow: allow.join(', ') } };
  };
}

function localOnly(handler: AdminHandler): AdminHandler {
  return (request) => (request.local ? handler(request) : text(403, 'Requests are only permitted from localhost.'));
}

async function metrics(request: AdminRequest, state: AdminState): Promise<AdminResponse> {
  const format = /\bapplication\/openmetrics-text\b/.test(request.headers.get('accept') ?? '')
    ? 'openmetrics'
    : 'prometheus';
  return { status: 200, headers: { 'content-type': CONTENT_TYPES[format] }, body: await state.metrics(format) };
}

/** `?A&B` selects variables; unknown ones are null. */
function envJson(request: AdminRequest, env: Readonly<Record<string, string | undefined>>): AdminResponse {
  const accept = request.headers.get('accept') ?? '*/*';
  if (!/\*\/\*|application\/(json|\*)/.test(accept)) return text(406, 'only application/json can be produced\n');
  const names = request.query === '' ? Object.keys(env) : request.query.split('&');
  if (names.some((name) => name.includes('='))) return text(400, 'the query is a list of names, without values\n');
  const found = Object.fromEntries(names.map((name) => [name, env[name] ?? null]));
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(found) };
}
