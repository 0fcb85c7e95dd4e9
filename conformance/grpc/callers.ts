/** Both callers and both servers of the cases, behind one form each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGrpcClient, type GrpcClient, type GrpcError } from '#runtime/grpc';
import type { Call, Outcome } from './cases.ts';
import { createEchoServer, ECHO } from './echo.ts';
import { grpcioFolder } from './python.ts';

export interface Caller {
  call(port: number, call: Call): Promise<Outcome>;
  close(): Promise<void>;
}

export interface EchoServer {
  readonly port: number;
  /** Takes no new calls; settles when those under way are over. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** A child whose lines are awaited one by one. */
class Lines {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  #ended: Error | undefined;

  constructor(mode: 'server' | 'client') {
    const env = { PATH: process.env['PATH'] ?? '', PYTHONPATH: grpcioFolder(), PYTHONUNBUFFERED: '1' };
    this.child = spawn('python3', [join(import.meta.dirname, 'peer.py'), mode], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const next = this.#waiting.shift();
      if (next) next.resolve(line);
      else this.#lines.push(line);
    });
    this.child.on('exit', (code) => {
      this.#ended = new Error(`peer.py ${mode} ended with ${code}`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    });
  }

  next(): Promise<string> {
    const line = this.#lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.child, 'exit');
    this.child.stdin?.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    await exit;
    clearTimeout(timer);
  }
}

export async function startPythonServer(): Promise<EchoServer> {
  const lines = new Lines('server');
  const port = Number(await lines.next());
  return {
    port,
    async drain() {
      lines.say('drain');
      for (const said of ['draining', 'drained']) {
        const line = await lines.next();
        if (line !== said) throw new Error(`expected the server to say ${said}, it said ${line}`);
      }
    },
    close: () => lines.stop(),
  };
}

export async function startOwnServer(): Promise<EchoServer> {
  const server = createEchoServer();
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, drain: () => server.close(), close: () => server.close() };
}

export async function startPythonCaller(): Promise<Caller> {
  const lines = new Lines('client');
  await lines.next();
  return {
    async call(port, call) {
      lines.say(JSON.stringify({ ...call, port }));
      const { alike, messages, code, text } = JSON.parse(await lines.next()) as Outcome & { alike: number };
      if (alike !== (call.parallel ?? 1)) throw new Error(`only ${alike} of ${call.parallel} calls had this outcome`);
      return { messages, code, text };
    },
    close: () => lines.stop(),
  };
}

export function startOwnCaller(): Caller {
  const clients = new Map<number, GrpcClient>();
  return {
    async call(port, call) {
      const client = clients.get(port) ?? clientOf(port);
      clients.set(port, client);
      const outcomes = await Promise.all(Array.from({ length: call.parallel ?? 1 }, () => outcomeOf(client, call)));
      const [first] = outcomes;
      if (new Set(outcomes.map((each) => JSON.stringify(each))).size !== 1) throw new Error('outcomes differ');
      return first!;
    },
    async close() {
      for (const client of clients.values()) client.close();
    },
  };
}

function clientOf(port: number): GrpcClient {
  return createGrpcClient({
    authority: `127.0.0.1:${port}`,
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
        socket.once('error', reject);
      }),
  });
}

function outcomeOf(client: GrpcClient, { method, requests, timeoutMs, metadata, cancelAfter }: Call): Promise<Outcome> {
  const texts = requests.map((each) => (typeof each === 'string' ? each : each.text.repeat(each.times)));
  const options = { timeoutMs: timeoutMs ?? 30_000, ...(metadata && { metadata }) };
  const messages: string[] = [];
  return new Promise((resolve) => {
    const end = (error: GrpcError | undefined): void =>
      resolve({ messages, code: error?.code ?? 'OK', text: error?.message ?? '' });
    const sink = {
      message({ value }: { value: string }) {
        messages.push(value.length <= 200 ? value : `${value.length} characters`);
        if (messages.length !== cancelAfter) return;
        cancel();
        resolve({ messages, code: 'CANCELLED', text: '' });
      },
      ended: end,
    };
    let cancel = (): void => undefined;
    if (method === 'Say' || method === 'Missing') {
      client.unary(ECHO[method], { value: texts[0]! }, options).then((answer) => {
        sink.message(answer);
        end(undefined);
      }, end);
    } else if (method === 'Watch') cancel = client.serverStream(ECHO.Watch, { value: texts[0]! }, sink, options);
    else {
      const stream = client.duplex(ECHO[method], sink, options);
      cancel = stream.cancel;
      for (const value of texts) stream.write({ value });
      stream.end();
    }
  });
}
