import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';

export type BackendConnection = Duplex;

/** Whom a backend must be, and who we are. */
export interface TlsOptions {
  /** The name that the certificate must bear, e.g. `injector.linkerd.svc`. */
  readonly serverName: string;
  /** PEM of the authorities to trust; undefined: the system's. */
  readonly ca: string | undefined;
  /** Take any certificate (`insecureSkipTLSVerify`). */
  readonly insecure?: boolean;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
}

/** Starts TLS on a connection and verifies the peer. Rejects with Go-like texts where it is not who it should be. */
export function openTls(connection: Duplex, options: TlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: connection as Socket,
      // An address is no server name for TLS; the certificate must bear it all the same.
      ...(isIP(options.serverName) ? { host: options.serverName } : { servername: options.serverName }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(options.serverName, certificate),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: !options.insecure,
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(options.clientCertificate && {
        cert: options.clientCertificate.certificate,
        key: options.clientCertificate.key,
      }),
    });
    const refuse = (error: Error): void => {
      socket.destroy();
      reject(new Error(`tls: failed to verify certificate: ${error.message}`));
    };
    socket.once('error', refuse);
    socket.once('secureConnect', () => {
      socket.removeListener('error', refuse);
      resolve(socket);
    });
  });
}
