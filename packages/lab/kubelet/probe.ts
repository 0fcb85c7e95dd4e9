import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { HTTPGetAction, Probe } from '#api/kube';
import { DialError, dialIn } from '#net/netns';
import { type RunningContainer, runCommand } from './exec.ts';
import { grpcHealth } from './grpc-health.ts';
import { LIMITS } from './limits.ts';
import type { AnyContainer } from './types.ts';

/** What one probe found. `output` is what its event says. */
export interface ProbeResult {
  ok: boolean;
  output: string;
}

/** Where probes of a container go: from the node to the pod's address, so they pass whatever guards the pod. */
export interface ProbeTarget {
  container: AnyContainer;
  podIp: string;
  /** Network namespace of the node. */
  nodeNet: string;
  running(): RunningContainer | undefined;
}

/** Runs a probe's handler once. Never rejects. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec) return await execProbe(probe.exec.command ?? [], target, timeoutMs);
    if (probe.httpGet) return await httpProbe(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket, target, timeoutMs);
    if (probe.grpc) return await grpcProbe(probe.grpc, target, timeoutMs);
    return { ok: false, output: 'missing probe handler' };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function execProbe(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const running = target.running();
  if (!running) return { ok: false, output: 'container not running' };
  const result = await runCommand(running, command, { timeoutMs });
  if (result.timedOut)
    return { ok: false, output: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s` };
  return { ok: result.exitCode === 0, output: result.output };
}

/** A port by number or by the name of a container port; undefined when there is no such name. */
export function resolvePort(container: AnyContainer, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^\d+$/.test(port) ? Number(port) : undefined);
}

const GO_TEXT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ETIMEDOUT: 'i/o timeout',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
};

async function dial(target: ProbeTarget, host: string | undefined, port: number | string, timeoutMs: number) {
  const number = resolvePort(target.container, port);
  if (number === undefined) throw new Error(`couldn't find port: ${port}`);
  const address = host || target.podIp;
  try {
    return await dialIn(target.nodeNet, { address, port: number, timeoutMs });
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    throw new Error(`dial tcp ${address}:${number}: ${GO_TEXT[error.code] ?? error.code}`);
  }
}

async function tcpProbe(
  action: { host?: string; port: number | string },
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const socket = await dial(target, action.host, action.port, timeoutMs);
  socket.on('error', () => {}); // it has answered; how it closes does not matter
  socket.destroy();
  return { ok: true, output: '' };
}

async function grpcProbe(
  action: { port: number; service?: string },
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const socket = await dial(target, undefined, action.port, timeoutMs);
  const status = await grpcHealth(socket, { service: action.service ?? '', timeoutMs });
  return status === 'SERVING'
    ? { ok: true, output: '' }
    : { ok: false, output: `service unhealthy (responded with "${status}")` };
}

async function httpProbe(action: HTTPGetAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const port = resolvePort(target.container, action.port);
  const host = `${action.host || target.podIp}:${port}`;
  const path = action.path ? (action.path.startsWith('/') ? action.path : `/${action.path}`) : '/';
  const deadlineMs = Date.now() + timeoutMs;
  try {
    const socket = await dial(target, action.host, action.port, timeoutMs);
    const stream: Duplex = scheme === 'https' ? connectTls({ socket, rejectUnauthorized: false }) : socket;
    const code = await statusOf(stream, requestHead(host, path, action), Math.max(1, deadlineMs - Date.now()));
    const ok = code >= 200 && code < 400;
    return { ok, output: ok ? '' : `HTTP probe failed with statuscode: ${code}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, output: `Get "${scheme}://${host}${path}": ${why}` };
  }
}

function requestHead(host: string, path: string, action: HTTPGetAction): string {
  const own = (action.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), `${name}: ${value}`] as const);
  const headers = new Map<string, string>([
    ['host', `Host: ${host}`],
    ['user-agent', 'User-Agent: kube-probe/1.34'],
    ['accept', 'Accept: */*'],
    ['connection', 'Connection: close'],
    ...own,
  ]);
  return `GET ${path} HTTP/1.1\r\n${[...headers.values()].join('\r\n')}\r\n\r\n`;
}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})/;

/** Sends a request and reads the status code of the answer; the rest is dropped. */
function statusOf(stream: Duplex, request: string, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = '';
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      stream.destroy();
      settle();
    };
    const timer = setTimeout(
      () =>
        finish(() => reject(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'))),
      timeoutMs,
    );
    stream.on('error', (error) => finish(() => reject(error)));
    stream.on('end', () => finish(() => reject(new Error('EOF'))));
    stream.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const code = STATUS_LINE.exec(head)?.[1];
      if (code) return finish(() => resolve(Number(code)));
      if (head.length > LIMITS.probeBodyBytesMax || head.includes('\n'))
        finish(() => reject(new Error(`malformed HTTP response "${head.slice(0, 40)}"`)));
    });
    stream.write(request);
  });
}
