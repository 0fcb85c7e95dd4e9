import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AnyObject, Status } from '#api/kube';
import { ApiError, type PodRuntime } from '../contract/index.ts';
import { commandOptions } from './command.ts';
import { serveCommandSpdy } from './command-spdy.ts';
import { serveCommandWebSocket } from './command-websocket.ts';
import { servePortForwardSpdy } from './port-forward-spdy.ts';
import { portsOf, servePortForwardWebSocket } from './port-forward-websocket.ts';
import {
  acceptHeaders,
  isWebSocket,
  offeredProtocols,
  WebSocketBytes,
  WebSocketConnection,
} from './websocket/index.ts';

export type StreamingKind = 'exec' | 'attach' | 'portforward';

/** An upgrade request whose caller may do what it asks for. */
export interface StreamingTarget {
  pod: AnyObject;
  query: URLSearchParams;
}

/** What a handler gets once its protocol is agreed; it answers 101 by calling `start`. */
interface Session extends StreamingTarget {
  runtime: PodRuntime;
  head: Uint8Array;
  start(): Duplex;
}

interface Protocol {
  transport: 'spdy' | 'websocket';
  /** Name in X-Stream-Protocol-Version or Sec-WebSocket-Protocol. */
  name: string;
  kinds: readonly StreamingKind[];
  serve(kind: StreamingKind, session: Session): Promise<void>;
}

/** Served protocols, the preferred first within a transport. Clients' order counts only among names served here. */
const PROTOCOLS: readonly Protocol[] = [
  { transport: 'spdy', name: 'v4.channel.k8s.io', kinds: ['exec', 'attach'], serve: serveSpdyCommand },
  { transport: 'spdy', name: 'portforward.k8s.io', kinds: ['portforward'], serve: serveSpdyForward },
  { transport: 'websocket', name: 'v5.channel.k8s.io', kinds: ['exec', 'attach'], serve: serveChannelCommand },
  { transport: 'websocket', name: 'v4.channel.k8s.io', kinds: ['exec', 'attach'], serve: serveChannelCommand },
  { transport: 'websocket', name: 'SPDY/3.1+portforward.k8s.io', kinds: ['portforward'], serve: serveTunnel },
  { transport: 'websocket', name: 'v4.channel.k8s.io', kinds: ['portforward'], serve: serveChannelForward },
];

/**
 * Serves an upgrade request of pods/exec, attach or portforward on the connection's raw socket: agrees on a protocol, answers 101
 * and speaks it; or answers with a Status and closes. Settles when the connection ended; never rejects.
 */
export async function handleUpgrade(
  kind: StreamingKind,
  target: StreamingTarget,
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  runtime: PodRuntime,
): Promise<void> {
  // Broken connections end the streams on them; there is nobody left to tell.
  socket.on('error', () => {});
  try {
    const protocol = agree(kind, request);
    const start = (): Duplex => {
      socket.write(switching(request, protocol));
      return socket;
    };
    await protocol.serve(kind, { ...target, runtime, head, start });
  } catch (error) {
    refuse(socket, error);
  }
}

/** @throws ApiError when the client offers nothing we speak */
function agree(kind: StreamingKind, request: IncomingMessage): Protocol {
  const { headers } = request;
  const transport = isWebSocket(headers) ? 'websocket' : 'spdy';
  if (transport === 'spdy' && !/^spdy\/3\.1$/i.test(headers.upgrade ?? ''))
    throw ApiError.of('BadRequest', 'Upgrade request required: expected SPDY/3.1 or websocket');
  const offered = transport === 'websocket' ? offeredProtocols(headers) : listOf(headers['x-stream-protocol-version']);
  const served = PROTOCOLS.filter((each) => each.transport === transport && each.kinds.includes(kind));
  const agreed = served.find(({ name }) => offered.includes(name));
  if (agreed) return agreed;
  const names = served.map(({ name }) => name).join(', ');
  throw ApiError.of(
    transport === 'spdy' ? 'Forbidden' : 'BadRequest',
    `no common protocol for ${kind}: offered ${offered.join(', ') || 'none'}, served ${names}`,
  );
}

const listOf = (header: string | string[] | undefined): string[] =>
  [header ?? []]
    .flat()
    .flatMap((line) => line.split(',').map((name) => name.trim()))
    .filter(Boolean);

function switching({ headers }: IncomingMessage, { transport, name }: Protocol): string {
  const fields =
    transport === 'websocket'
      ? acceptHeaders(headers, name)
      : { Upgrade: 'SPDY/3.1', Connection: 'Upgrade', 'X-Stream-Protocol-Version': name };
  const lines = Object.entries(fields).map(([field, value]) => `${field}: ${value}\r\n`);
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`;
}

function serveSpdyCommand(kind: StreamingKind, { pod, query, runtime, head, start }: Session): Promise<void> {
  const command = kind as 'exec' | 'attach';
  const options = commandOptions(command, pod, query);
  return serveCommandSpdy(command, pod, options, start(), head, runtime);
}

function serveChannelCommand(kind: StreamingKind, { pod, query, runtime, head, start }: Session): Promise<void> {
  const command = kind as 'exec' | 'attach';
  const options = commandOptions(command, pod, query);
  return serveCommandWebSocket(command, pod, options, new WebSocketConnection(start()), head, runtime);
}

function serveSpdyForward(_kind: StreamingKind, { pod, runtime, head, start }: Session): Promise<void> {
  return servePortForwardSpdy(pod, start(), head, runtime);
}

function serveTunnel(_kind: StreamingKind, { pod, runtime, head, start }: Session): Promise<void> {
  const bytes = new WebSocketBytes(new WebSocketConnection(start()), head);
  return servePortForwardSpdy(pod, bytes, new Uint8Array(0), runtime);
}

function serveChannelForward(_kind: StreamingKind, { pod, query, runtime, head, start }: Session): Promise<void> {
  const ports = portsOf(query);
  return servePortForwardWebSocket(pod, ports, new WebSocketConnection(start()), head, runtime);
}

/** Answers with the error's Status as plain HTTP and closes. */
function refuse(socket: Duplex, error: unknown): void {
  const status: Status =
    error instanceof ApiError
      ? error.status
      : ApiError.of('InternalError', error instanceof Error ? error.message : String(error)).status;
  const body = JSON.stringify(status);
  const lines = [
    `HTTP/1.1 ${status.code ?? 500} ${status.reason ?? 'Error'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
