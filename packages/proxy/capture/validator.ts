import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * The network validator: an init container of pods that the CNI plug-in captures. It listens where the proxy will, dials an
 * address outside of the pod, and ends well only if that connection comes back to it: otherwise the pod started before the
 * plug-in was there, and would run unmeshed.
 */

export interface ValidatorOptions {
  connect: { host: string; port: number };
  listen: { host: string; port: number };
  timeoutMs: number;
}

/** Tells the repair controller that the pod has to go. */
export const NOT_REDIRECTED = 95;
/** A refused connection is tried again so soon; the redirection may be on its way. */
const RETRY_MS = 200;
const TOKEN_BYTES = 32;
/** Sockets that other peers may hold open at our listener. */
const PEERS_MAX = 16;

/** Runs the validator with Linkerd's arguments. Resolves with the exit code: 0, {@link NOT_REDIRECTED}, or 1 for bad arguments. */
export async function runNetworkValidator(argv: readonly string[]): Promise<number> {
  let options: ValidatorOptions;
  try {
    options = parseValidatorArgs(argv);
  } catch (error) {
    process.stderr.write(`network-validator: ${(error as Error).message}\n`);
    return 1;
  }
  const failure = await validate(options);
  process.stderr.write(`network-validator: ${failure ?? 'connections are redirected to the proxy'}\n`);
  return failure === undefined ? 0 : NOT_REDIRECTED;
}

/** Why outbound connections do not reach the listener; undefined: they do. */
export async function validate({ connect: to, listen, timeoutMs }: ValidatorOptions): Promise<string | undefined> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const server = createServer((socket) => {
    socket.on('error', () => {}); // the peer is gone, or never was ours
    socket.end(`${token}\n`);
  });
  server.maxConnections = PEERS_MAX;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  let last = 'nothing came back';
  try {
    await listening(server, listen);
    while (!stop.signal.aborted) {
      const answer = await read(to, stop.signal);
      if (answer.text === token) return undefined;
      last = answer.failure ?? 'somebody else answered';
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  } catch (error) {
    last = (error as Error).message;
  } finally {
    clearTimeout(timer);
    server.close();
  }
  return `a connection to ${to.host}:${to.port} was not redirected to ${listen.host}:${listen.port} within ${timeoutMs} ms: ${last}; is the CNI plug-in installed on this node?`;
}

const listening = (server: Server, { host, port }: ValidatorOptions['listen']): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: false }, () => resolve());
  });

function read(to: ValidatorOptions['connect'], signal: AbortSignal): Promise<{ text: string; failure?: string }> {
  return new Promise((resolve) => {
    let text = '';
    const socket: Socket = connect({ host: to.host, port: to.port });
    const end = (failure?: string): void => {
      socket.destroy();
      signal.removeEventListener('abort', aborted);
      resolve({ text: text.trim(), ...(failure !== undefined && { failure }) });
    };
    const aborted = (): void => end('timed out');
    signal.addEventListener('abort', aborted, { once: true });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > 2 * TOKEN_BYTES) end();
    });
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end());
    if (signal.aborted) aborted();
  });
}

/** `--connect-addr 1.1.1.1:20001 --listen-addr 0.0.0.0:4140 --timeout 10s`; the log's flags change nothing. */
export function parseValidatorArgs(argv: readonly string[]): ValidatorOptions {
  const given: Record<string, string> = {};
  for (let at = 0; at < argv.length; at += 1) {
    const [name = '', inline] = (argv[at] ?? '').split(/=(.*)/s);
    if (!FLAGS.has(name)) throw new Error(`unknown argument ${JSON.stringify(argv[at])}`);
    const value = inline ?? argv[++at];
    if (value === undefined) throw new Error(`${name} needs a value`);
    given[name] = value;
  }
  return {
    connect: address('--connect-addr', given['--connect-addr'] ?? '1.1.1.1:20001'),
    listen: address('--listen-addr', given['--listen-addr'] ?? '0.0.0.0:4140'),
    timeoutMs: milliseconds(given['--timeout'] ?? '10s'),
  };
}

const FLAGS: ReadonlySet<string> = new Set([
  '--connect-addr',
  '--listen-addr',
  '--timeout',
  '--log-level',
  '--log-format',
]);

function address(flag: string, text: string): { host: string; port: number } {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (!found || port < 1 || port > 65_535) throw new Error(`${flag}: expected HOST:PORT, got ${JSON.stringify(text)}`);
  return { host: found[1] ?? found[2] ?? '', port };
}

function milliseconds(text: string): number {
  const found = /^(\d{1,6})(ms|s|m)$/.exec(text);
  if (!found) throw new Error(`--timeout: expected a duration such as 10s, got ${JSON.stringify(text)}`);
  return Number(found[1]) * { ms: 1, s: 1000, m: 60_000 }[found[2] as 'ms' | 's' | 'm'];
}
