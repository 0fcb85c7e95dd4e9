import { connect } from 'node:http2';
import type { Socket } from 'node:net';

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** One length-prefixed message: `grpc.health.v1.HealthCheckRequest{service}`. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status in a length-prefixed `HealthCheckResponse`; field 1 is an enum, absent when zero. */
export function decodeHealthStatus(bytes: Buffer): string {
  if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt32BE(1)) return 'UNKNOWN';
  return bytes[5] === 0x08 ? (STATUSES[bytes[6] ?? 0] ?? 'UNKNOWN') : 'UNKNOWN';
}

/** Asks a server's gRPC health service over an open connection. Gives the status' name, or rejects. */
export function grpcHealth(socket: Socket, options: { service: string; timeoutMs: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connect('http://grpc-probe', { createConnection: () => socket });
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      session.destroy();
      socket.destroy();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const timer = setTimeout(() => fail(new Error('timeout: health rpc did not complete')), options.timeoutMs);
    session.on('error', fail);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('error', fail);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => finish(() => resolve(decodeHealthStatus(Buffer.concat(chunks)))));
    stream.end(encodeHealthRequest(options.service));
  });
}
