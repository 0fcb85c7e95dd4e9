/** The admin port of a controller: /ping and /live while it runs, /ready once it serves, /metrics. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AdminOptions {
  host: string;
  port: number;
  ready(): boolean;
  /** Prometheus text. */
  metrics(): string;
}

/** Listens; rejects when the port is taken. */
export async function startAdmin(options: AdminOptions): Promise<{ port: number; close(): void }> {
  const answers: Record<string, () => [status: number, body: string]> = {
    '/ping': () => [200, 'pong\n'],
    '/live': () => [200, 'ok\n'],
    '/ready': () => (options.ready() ? [200, 'ok\n'] : [500, 'not ready\n']),
    '/metrics': () => [200, options.metrics()],
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    const [status, body] = answer?.() ?? [404, 'not found\n'];
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body);
  });
  await listen(server, options);
  return { port: (server.address() as AddressInfo).port, close: () => closeAll(server) };
}

function listen(server: Server, at: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
}

function closeAll(server: Server): void {
  server.close();
  server.closeAllConnections();
}
