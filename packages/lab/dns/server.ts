import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ClustersetView } from './clusterset.ts';
import { answer, LIMITS } from './message.ts';

export interface DnsServerOptions {
  address: string;
  port: number;
  clusterDomain: string;
  log(message: string): void;
}

/** Turns of answers; divisible by all small numbers of endpoints. */
const TURNS = 27_720;

/** Serves the cluster's names over UDP and TCP. */
export class DnsServer {
  private readonly view: ClustersetView;
  private readonly options: DnsServerOptions;
  private readonly udp: UdpSocket;
  private readonly tcp: Server;
  private turn = 0;
  private readonly connections = new Set<Socket>();

  constructor(view: ClustersetView, options: DnsServerOptions) {
    this.view = view;
    this.options = options;
    this.udp = createSocket('udp4');
    this.tcp = createServer((socket) => this.serve(socket));
  }

  /** Settles when both ports are open; gives the port in use. */
  async start(): Promise<number> {
    const { address, port } = this.options;
    this.udp.on('message', (query, { port: fromPort, address: from }) => {
      const bytes = this.answer(query, true);
      if (bytes) this.udp.send(bytes, fromPort, from);
    });
    this.udp.bind(port, address);
    await once(this.udp, 'listening');
    this.udp.on('error', (error) => this.options.log(`dns: ${error.message}`));
    const bound = this.udp.address().port;
    this.tcp.listen(bound, address);
    await once(this.tcp, 'listening');
    return bound;
  }

  stop(): void {
    this.udp.close();
    this.tcp.close();
    for (const socket of this.connections) socket.destroy();
  }

  private answer(query: Buffer, isUdp: boolean): Buffer | undefined {
    this.turn = (this.turn + 1) % TURNS;
    return answer(query, this.view, { clusterDomain: this.options.clusterDomain, isUdp, turn: this.turn });
  }

  /** Messages over TCP are led by two bytes of length; several may follow one another. */
  private serve(socket: Socket): void {
    if (this.connections.size >= LIMITS.tcpConnectionsMax) return void socket.destroy();
    this.connections.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.setTimeout(LIMITS.tcpIdleMs, () => socket.destroy());
    socket.on('close', () => this.connections.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        const bytes = this.answer(rest.subarray(2, end), false);
        rest = rest.subarray(end);
        if (!bytes) return void socket.destroy();
        const head = Buffer.alloc(2);
        head.writeUInt16BE(bytes.length);
        socket.write(Buffer.concat([head, bytes]));
      }
    });
  }
}
