import type { Socket } from 'node:net';
import tls from 'node:tls';
import { sanNames } from './names.ts';

/** How a handshake ended; exactly one is called, once. */
export interface HandshakeSink {
  /** `peerIdentity`: first DNS or URI name of the peer's verified certificate; absent when it sent none. */
  secured(socket: tls.TLSSocket, peerIdentity: string | undefined): void;
  failed(error: Error, reason: 'handshake' | 'untrusted' | 'identity'): void;
}

export interface TerminateOptions {
  readonly context: tls.SecureContext;
  /** Protocols to choose from; absent: none is selected. */
  readonly alpn?: readonly string[];
}

/**
 * Serves TLS on a socket whose first bytes were put back with `unshift`. A client certificate is asked for and optional, but
 * one that does not chain to the trust anchors fails the handshake (`untrusted`).
 */
export function terminate(socket: Socket, options: TerminateOptions, sink: HandshakeSink): void {
  const secured = new tls.TLSSocket(socket, {
    isServer: true,
    secureContext: options.context,
    requestCert: true,
    rejectUnauthorized: false,
    ...(options.alpn && { ALPNProtocols: [...options.alpn] }),
  });
  const done = watchFailure(secured, sink);
  secured.once('secure', () => {
    // Not as an `X509Certificate`: reading the names out of one takes four times as long.
    const { raw, subjectaltname } = secured.getPeerCertificate(false) ?? {};
    if (raw && !secured.authorized) {
      const why = String(secured.authorizationError ?? 'not verified');
      if (done()) sink.failed(new Error(`client certificate refused: ${why}`), 'untrusted');
      secured.destroy();
      return;
    }
    if (done()) sink.secured(secured, sanNames(subjectaltname)[0]);
  });
}

export interface OriginateOptions {
  readonly host: string;
  readonly port: number;
  readonly context: tls.SecureContext;
  /** Sent as SNI; not compared with the certificate. */
  readonly serverName: string;
  /** Must be one of the names in the server's certificate. */
  readonly expectedIdentity: string;
  readonly alpn?: readonly string[];
}

/** Connects and speaks TLS. The returned socket is for destroying it early; its events belong to `sink` until then. */
export function originate(options: OriginateOptions, sink: HandshakeSink): tls.TLSSocket {
  let mismatch: Error | undefined;
  const socket = tls.connect({
    host: options.host,
    port: options.port,
    servername: options.serverName,
    secureContext: options.context,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    allowHalfOpen: true,
    ...(options.alpn && { ALPNProtocols: [...options.alpn] }),
    checkServerIdentity: (_host, certificate) => {
      const names = sanNames(certificate.subjectaltname);
      if (names.includes(options.expectedIdentity)) return undefined;
      mismatch = new Error(`expected the identity ${options.expectedIdentity}, found ${names.join(', ') || 'none'}`);
      return mismatch;
    },
  } as tls.ConnectionOptions);
  // For `checkServerIdentity`, which needs the names in the leaf: reading out its issuers, too, takes three times as long.
  socket.getPeerCertificate = leafOf;
  socket.setNoDelay(true);
  const done = watchFailure(socket, sink, () => mismatch);
  socket.once('secureConnect', () => {
    if (done()) sink.secured(socket, options.expectedIdentity);
  });
  return socket;
}

function leafOf(this: tls.TLSSocket): tls.DetailedPeerCertificate {
  return tls.TLSSocket.prototype.getPeerCertificate.call(this, false) as tls.DetailedPeerCertificate;
}

/** Errors whose cause is the certificate and not the network or the protocol. */
const UNTRUSTED = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_|ERR_TLS_CERT|HOSTNAME_)/;

/** Reports an error or an early close, unless the returned function, which may be called once, was first. */
function watchFailure(
  socket: tls.TLSSocket,
  sink: HandshakeSink,
  mismatch: () => Error | undefined = () => undefined,
): () => boolean {
  let open = true;
  const finish = (): boolean => {
    const first = open;
    open = false;
    return first;
  };
  const onError = (error: NodeJS.ErrnoException): void => {
    if (!finish()) return;
    const wrong = mismatch();
    if (wrong) sink.failed(wrong, 'identity');
    else sink.failed(error, UNTRUSTED.test(error.code ?? '') ? 'untrusted' : 'handshake');
    socket.destroy();
  };
  const onClose = (): void => {
    if (finish())
      sink.failed(
        mismatch() ?? new Error('the peer closed the connection during the handshake'),
        mismatch() ? 'identity' : 'handshake',
      );
  };
  socket.on('error', onError);
  socket.on('close', onClose);
  return () => {
    socket.off('close', onClose);
    // The user of the socket adds its own listener before the next event; until then errors must not be thrown.
    setImmediate(() => socket.off('error', onError));
    return finish();
  };
}
