/** The admin port of a controller: /ping and /live while it runs, /ready once it serves, /metrics. */
import { type AdminHandler, AdminServer } from '#runtime/admin';

export interface AdminOptions {
  host: string;
  port: number;
  ready(): boolean;
  /** Prometheus text. */
  metrics(): string;
}

/** Listens; rejects when the port is taken. */
export async function startAdmin(options: AdminOptions): Promise<{ port: number; close(): void }> {
  const text = (body: string, status = 200) => ({
    status,
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  });
  const routes: Record<string, AdminHandler> = {
    '/ping': () => text('pong\n'),
    '/live': () => text('ok\n'),
    '/ready': () => (options.ready() ? text('ok\n') : text('not ready\n', 500)),
    '/metrics': () => text(options.metrics()),
  };
  const listener = await new AdminServer(routes).listen(options.host, options.port);
  return { port: listener.addr.port, close: () => listener.close() };
}
