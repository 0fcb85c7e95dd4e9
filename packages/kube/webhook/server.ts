import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type AdmissionHandler, answerReview } from './review.ts';

export interface WebhookServerOptions {
  /** Listening address; port 0 picks one. */
  host?: string;
  port: number;
  /** PEM files of the serving certificate and its key, e.g. `/var/run/linkerd/tls/tls.crt`. */
  certificateFile: string;
  keyFile: string;
  handle: AdmissionHandler;
  /** Told of what went wrong besides refusals: unreadable certificates, malformed requests, broken handshakes. */
  onError?(error: Error): void;
}

export interface WebhookServer {
  port: number;
  /** Goes on answering, but each answer ends its connection: whoever asks again looks for a server that stays. */
  retire(): void;
  /** Takes no more connections, answers what was asked, for at most five seconds, and cuts those that remain. */
  close(): Promise<void>;
}

/** AdmissionReview with objects of both sides; etcd's object limit is 1.5 MiB. */
const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** A new connection looks at the certificate files again when the last look is older than this. */
const CERTIFICATE_FRESH_MS = 5_000;
/** An API server that opened a connection must finish the handshake within this. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Requests under way may take this long once the server closes. */
const DRAIN_MS_MAX = 5_000;
/** From an answer's end to its last byte on the wire. */
const FLUSH_MS = 50;

/** Listens; rejects when the certificate cannot be read at first or the port is taken. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const certificates = new CertificateFiles(options);
  await certificates.current();
  const requests = new Requests();
  const http = createHttpServer((request, response) => {
    requests.begun(response);
    void respond(request, response, options, requests);
  });
  const sockets = new Set<Socket>();
  // TLS is put on each connection by hand: the certificate may be another one for each.
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    certificates.current().then(
      ({ cert, key }) => secure(socket, cert, key, http, options),
      (error: Error) => {
        options.onError?.(error);
        socket.destroy();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    retire() {
      requests.isRetired = true;
    },
    async close() {
      requests.isRetired = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await requests.ended(DRAIN_MS_MAX);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The requests under way, and whether connections outlive them. */
class Requests {
  isRetired = false;
  #underWay = 0;
  #idle: (() => void) | undefined;

  begun(response: ServerResponse): void {
    this.#underWay += 1;
    response.once('close', () => {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    });
  }

  /** Resolves when all are answered, at the latest after `maxMs`. */
  async ended(maxMs: number): Promise<void> {
    if (this.#underWay === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = () => setTimeout(resolve, FLUSH_MS);
      timer = setTimeout(resolve, maxMs);
    });
    clearTimeout(timer);
  }
}

function secure(
  socket: Socket,
  cert: string,
  key: string,
  http: ReturnType<typeof createHttpServer>,
  options: WebhookServerOptions,
): void {
  const tls = new TLSSocket(socket, { isServer: true, cert, key, minVersion: 'TLSv1.3' } as ConstructorParameters<
    typeof TLSSocket
  >[1]);
  const timer = setTimeout(() => tls.destroy(), HANDSHAKE_TIMEOUT_MS);
  tls.once('secure', () => clearTimeout(timer));
  tls.once('close', () => clearTimeout(timer));
  tls.on('error', (error) => {
    options.onError?.(error);
    tls.destroy();
  });
  http.emit('connection', tls);
}

class CertificateFiles {
  readonly #options: WebhookServerOptions;
  #pair: { cert: string; key: string } | undefined;
  #readAtMs = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
  }

  async current(): Promise<{ cert: string; key: string }> {
    if (this.#pair && performance.now() - this.#readAtMs < CERTIFICATE_FRESH_MS) return this.#pair;
    try {
      const [cert, key] = await Promise.all([
        readFile(this.#options.certificateFile, 'utf8'),
        readFile(this.#options.keyFile, 'utf8'),
      ]);
      this.#pair = { cert, key };
      this.#readAtMs = performance.now();
    } catch (error) {
      if (!this.#pair) throw error;
      this.#options.onError?.(error as Error);
    }
    return this.#pair;
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: WebhookServerOptions,
  requests: Requests,
): Promise<void> {
  const send = (status: number, type: string, text: string): void => {
    const last = requests.isRetired && { connection: 'close' };
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), ...last });
    response.end(text);
  };
  try {
    const body = await readBody(request);
    send(200, 'application/json', await answerReview(body, options.handle));
  } catch (error) {
    options.onError?.(error as Error);
    send(error instanceof TooLarge ? 413 : 400, 'text/plain', `${(error as Error).message}\n`);
  }
}

class TooLarge extends Error {}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) reject(new TooLarge(`the request exceeds ${BODY_BYTES_MAX} bytes`));
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}
