import net from 'node:net';
import { createGrpcClient, type GrpcClient } from '#runtime/grpc';

/** A gRPC client of a service on a port of loopback; `authority` is what it calls the service. */
export const loopbackClient = (authority: string, port: number): GrpcClient =>
  createGrpcClient({
    authority,
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
        socket.once('error', reject);
      }),
  });
