import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { KeyPairPem } from '#lab/auth';
import { SESSION_MEMORY_MB_MAX, STREAMS_MAX } from '../limits.ts';
import { asReply, asRequest, type ServerReply, type ServerRequest } from './exchange.ts';

export type Handler = (request: ServerRequest, reply: ServerReply) => void;

/** Opens one TLS port for HTTP/2, HTTP/1.1 and upgrades; client certificates are asked for and checked by the handler. */
export function createServer(certificate: KeyPairPem, clientCa: string, handler: Handler): ApiListener {
  const server = createSecureServer(
    {
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      key: certificate.key,
      cert: certificate.certificate,
      ca: clientCa,
      maxSessionMemory: SESSION_MEMORY_MB_MAX,
      settings: { maxConcurrentStreams: STREAMS_MAX },
    },
    (request: IncomingMessage | Http2ServerRequest, reply: ServerResponse | Http2ServerResponse) =>
      handler(asRequest(request), asReply(reply)),
  );
  // Watches and log streams are quiet for as long as they like.
  server.setTimeout(0);
  // A client that breaks off or speaks no TLS concerns that connection only.
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', () => undefined);
  server.on('clientError', (_error, socket) => socket.destroy());
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A server and how to end it: at once, with every connection on it. */
export interface ApiListener {
  readonly server: Http2SecureServer;
  close(): Promise<void>;
}

/** Starts to listen; resolves with the port in use. */
export function listen(server: Http2SecureServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
