import net from 'node:net';
import type { SecureContext } from 'node:tls';
import { Fault } from '#model/faults';
import { afterHearing, type Clock } from '#runtime/clock';
import { type KeepaliveOptions, setSocketOptions } from '#runtime/net';
import { originate } from '#runtime/tls';
import { encodeTransportHeader, TRANSPORT_ALPN, type TransportHeader } from '#wire/transport-header';
import type { Conn } from '../tcp/index.ts';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** TCP, TLS and header together. */
  readonly timeoutMs: number;
  readonly options: KeepaliveOptions;
  /** Absent: plain text. The context is asked for at each dial, so that a renewed certificate is used. */
  readonly tls?: { readonly context: () => SecureContext; readonly serverName: string; readonly identity: string };
  /** Sent first, if the server selects the protocol that announces it. */
  readonly header?: TransportHeader;
}

export interface DialSink {
  /** The socket is paused and has no listeners; whoever takes it adds its own at once. */
  connected(socket: Conn): void;
  failed(fault: Fault): void;
}

export interface DialDeps {
  readonly clock: Clock;
  /** Told of connections that were made. */
  readonly sockets?: { track(socket: Conn): void };
}

/** Connects; exactly one of the sink's functions is called, never at once. The result gives the attempt up silently. */
export function dial(target: DialTarget, deps: DialDeps, sink: DialSink): () => void {
  const where = `${target.host}:${target.port}`;
  let open = true;
  const finish = (): boolean => {
    const first = open;
    open = false;
    timer.cancel();
    return first;
  };
  const fail = (fault: Fault): void => {
    if (finish()) sink.failed(fault);
    socket.destroy();
  };
  const overdue = (): void =>
    fail(new Fault('connect-timeout', `${where} did not answer within ${target.timeoutMs}ms`));
  const timer = afterHearing(deps.clock, target.timeoutMs, overdue);
  const connected = (made: Conn): void => {
    if (!finish()) return;
    deps.sockets?.track(made);
    sink.connected(made);
  };
  const socket = target.tls
    ? dialTls(target, target.tls, { connected, failed: fail })
    : dialPlain(target, { connected, failed: fail });
  return () => {
    if (finish()) socket.destroy();
  };
}

function dialPlain(target: DialTarget, sink: DialSink): Conn {
  const socket = net.connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
  const onError = (error: NodeJS.ErrnoException): void => sink.failed(connectFault(target, error));
  socket.once('error', onError);
  socket.once('connect', () => {
    socket.off('error', onError);
    setSocketOptions(socket, target.options);
    sink.connected(socket);
  });
  return socket;
}

function dialTls(target: DialTarget, tls: NonNullable<DialTarget['tls']>, sink: DialSink): Conn {
  const socket = originate(
    {
      host: target.host,
      port: target.port,
      context: tls.context(),
      serverName: tls.serverName,
      expectedIdentity: tls.identity,
      ...(target.header && { alpn: [TRANSPORT_ALPN] }),
    },
    {
      secured(secured) {
        if (target.header && secured.alpnProtocol === TRANSPORT_ALPN)
          secured.write(encodeTransportHeader(target.header));
        sink.connected(secured);
      },
      failed(error, reason) {
        if (reason === 'identity')
          sink.failed(new Fault('identity-mismatch', `${target.host}: ${error.message}`, error));
        else if (reason === 'untrusted')
          sink.failed(new Fault('tls-handshake', `${target.host}: ${error.message}`, error));
        else sink.failed(connectFault(target, error));
      },
    },
  );
  socket.once('connect', () => setSocketOptions(socket, target.options));
  return socket;
}

/** Errors of connect(2), apart from those of a handshake. */
const CONNECT_ERRORS = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
]);

function connectFault(target: DialTarget, error: NodeJS.ErrnoException): Fault {
  const detail = `${target.host}:${target.port}: ${error.code ?? error.message}`;
  const refused = !target.tls || CONNECT_ERRORS.has(error.code ?? '');
  return new Fault(refused ? 'connect-refused' : 'tls-handshake', detail, error);
}
