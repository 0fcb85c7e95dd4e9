/** Connections to faces: plain, or as a client of the mesh. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { SERVER_NAME } from '../harness/pair/index.ts';
import type { Face } from './faces.ts';

let pem: { ca: Buffer; cert: Buffer; key: Buffer } | undefined;

/** `tls`: folder of the material. The socket may be written to at once. */
export function dial(face: Pick<Face, 'host' | 'port' | 'meshTls'>, tls: string): Socket {
  const { host, port } = face;
  if (!face.meshTls) return connect({ host, port, allowHalfOpen: true }).setNoDelay(true);
  pem ??= {
    ca: readFileSync(join(tls, 'ca.pem')),
    cert: readFileSync(join(tls, 'client-cert.pem')),
    key: readFileSync(join(tls, 'client-key.pem')),
  };
  return connectTls({ host, port, servername: SERVER_NAME, ...pem });
}
