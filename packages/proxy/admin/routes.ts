import type { AdminHandler, AdminRequest, AdminResponse } from '#runtime/admin';

export interface AdminState {
  /** The first certificate has come; never false again. */
  ready(): boolean;
  metrics(): string;
  logFilter(): string;
  /** Error text when the filter is not understood. */
  setLogFilter(text: string): string | undefined;
  env(): Readonly<Record<string, string | undefined>>;
  /** Absent: the endpoint is off. */
  shutdown: (() => void) | undefined;
}

const text = (status: number, body: string): AdminResponse => ({ status, body });

/** What each path answers; the rest is 404. */
export function adminRoutes(state: AdminState): Readonly<Record<string, AdminHandler>> {
  return {
    '/live': () => text(200, 'live\n'),
    '/ready': () => (state.ready() ? text(200, 'ready\n') : text(503, 'not ready\n')),
    '/metrics': () => text(200, state.metrics()),
    '/proxy-log-level': localOnly((request) => {
      if (request.method === 'GET') return text(200, `${state.logFilter()}\n`);
      if (request.method !== 'PUT') return text(405, '');
      const error = state.setLogFilter(request.body.trim());
      return error === undefined ? { status: 204 } : text(400, `${error}\n`);
    }),
    '/env.json': (request) => envJson(request, state.env()),
    '/shutdown': localOnly((request) => {
      if (request.method !== 'POST') return text(405, '');
      if (!state.shutdown) return text(404, 'shutdown endpoint is not enabled\n');
      state.shutdown();
      return text(200, 'shutdown\n');
    }),
  };
}

function localOnly(handler: (request: AdminRequest) => AdminResponse): AdminHandler {
  return (request) => (request.local ? handler(request) : text(403, 'Requests are only permitted from localhost.'));
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
