import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseGoDuration } from '#model/annotations';

const RETRY_MS = 100;
const ATTEMPT_TIMEOUT_MS = 1_000;

/**
 * `await [--timeout=2m] [--port=4191]`: resolves with 0 once the proxy beside this container is ready, with 69 when the time is
 * over; at once where there is no mesh (`LINKERD_DISABLED`). Hooks of injected containers call it before the application
 * starts.
 */
export async function runAwait(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (env['LINKERD_DISABLED'] || env['LINKERD_AWAIT_DISABLED']) return 0;
  const flags = new Map(argv.map((word) => word.replace(/^--?/, '').split('=') as [string, string | undefined]));
  const port = Number(flags.get('port') ?? 4191);
  const timeoutMs = parseGoDuration(flags.get('timeout') ?? '2m');
  if (timeoutMs === undefined || !Number.isInteger(port)) {
    process.stderr.write(`await: expected --timeout=<duration> and --port=<number>, got ${argv.join(' ')}\n`);
    return 64;
  }
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isReady(port))) {
    if (performance.now() > deadlineMs) {
      process.stderr.write(`await: the proxy on port ${port} was not ready within ${timeoutMs} ms\n`);
      return 69;
    }
    await sleep(RETRY_MS);
  }
  return 0;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/ready', agent: false, timeout: ATTEMPT_TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false)); // Not listening yet.
  });
}
