/**
 * bb, "building blocks": a tiny service for demonstrations, after the program of the same name in published guides. An
 * application like any other: it knows nothing of a mesh and imports nothing but Node's library.
 *
 *   bb terminus --h1-server-port=8080 --response-text="hello"
 *
 * Every request is answered by `{"requestUID":"in:http-sid:terminus-grpc:-1-h1:8080-407945949","payload":"hello"}`. On SIGTERM it
 * serves for five seconds more, so that whoever still has its address loses nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Flags of the original that this one understands, with their defaults. */
const FLAGS: Record<string, string> = {
  id: '',
  'grpc-server-port': '-1',
  'h1-server-port': '-1',
  'percent-failure': '0',
  'sleep-in-millis': '0',
  'terminate-after': '0',
  'log-level': 'info',
  'response-text': '',
};
const LINGER_MS = 5_000;
/** What is under way when the time is over may end within this. */
const FINISH_MS = 2_000;
const BODY_BYTES_MAX = 1024 * 1024;

function fail(message: string): never {
  process.stderr.write(`bb: ${message}\n`);
  process.exit(1);
}

/** `--name=value` and `--name value`. */
function readFlags(words: readonly string[]): Record<string, string> {
  const flags = { ...FLAGS };
  for (let at = 0; at < words.length; at += 1) {
    const [, name = '', value] = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (!(name in flags)) fail(`unknown flag ${words[at]}; there are: ${Object.keys(FLAGS).join(', ')}`);
    if (value === undefined) at += 1;
    flags[name] = value ?? words[at] ?? fail(`flag --${name} needs a value`);
  }
  return flags;
}

function number(flags: Record<string, string>, name: string): number {
  const value = Number(flags[name]);
  return Number.isInteger(value) ? value : fail(`flag --${name} needs a whole number, not "${flags[name]}"`);
}

const [command, ...words] = process.argv.slice(2);
if (command !== 'terminus') fail(`expected the command "terminus", got ${JSON.stringify(command ?? '')}`);
const flags = readFlags(words);
const port = number(flags, 'h1-server-port');
if (number(flags, 'grpc-server-port') !== -1) fail('a gRPC server is not part of this program; use --h1-server-port');
if (port < 1 || port > 65_535) fail('terminus needs a server: give --h1-server-port');
const failurePercent = number(flags, 'percent-failure');
const sleepMs = number(flags, 'sleep-in-millis');
const terminateAfter = number(flags, 'terminate-after');
const id = flags['id'] || `terminus-grpc:-1-h1:${port}`;
let answered = 0;

/** Nanoseconds within the present second, as the original numbers its requests. */
function nanosecond(): number {
  return (Date.now() % 1000) * 1_000_000 + Number(process.hrtime.bigint() % 1_000_000n);
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > BODY_BYTES_MAX) reject(new Error('the body is too long'));
    });
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
}

/** The caller's `requestUID`, or one of our own for a request without a body. */
function uidOf(body: string): string {
  if (body === '') return `in:http-sid:${id}-${nanosecond()}`;
  const { requestUID } = JSON.parse(body) as { requestUID?: unknown };
  return typeof requestUID === 'string' ? requestUID : '';
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestUID = uidOf(await readBody(request));
  if (sleepMs > 0) await new Promise((resolve) => setTimeout(resolve, sleepMs));
  if (Math.random() * 100 < failurePercent)
    throw new Error(`this error was requested for ${failurePercent}% of requests`);
  const payload = flags['response-text'] || `terminus at [${nanosecond()}]`;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ requestUID, payload }));
}

const server = createServer((request, response) => {
  answer(request, response)
    .catch((error: Error) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${error.message}\n`);
    })
    .finally(() => {
      answered += 1;
      if (terminateAfter > 0 && answered >= terminateAfter) stop();
    });
});
// Longer than the idle time of any proxy's pool: the side that reuses connections closes them.
server.keepAliveTimeout = 120_000;
server.on('error', (error) => fail(`cannot listen on port ${port}: ${error.message}`));
server.listen(port, '0.0.0.0', () => process.stdout.write(`bb: serving HTTP/1.1 on port ${port} as ${id}\n`));

function stop(): void {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), FINISH_MS).unref();
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    process.stdout.write(`bb: ${signal}: serving ${LINGER_MS / 1000} s more\n`);
    setTimeout(stop, LINGER_MS);
  });
