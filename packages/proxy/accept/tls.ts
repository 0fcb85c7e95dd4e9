import type { SecureContext } from 'node:tls';
import type { Clock } from '#runtime/clock';
import { terminate } from '#runtime/tls';
import { type ClientHello, HELLO_BYTES_MAX } from '#wire/tls-hello';
import { LIMITS } from '../limits.ts';
import type { Conn } from '../tcp/index.ts';
import { decideTls } from './decide.ts';
import { ignoreLateError } from './late-errors.ts';
import { peek } from './peek.ts';

/** What a connection begins with; `bytes` were read and must be passed on. */
export type TlsSeen =
  | { readonly kind: 'hello'; readonly hello: ClientHello; readonly bytes: Buffer }
  /** No TLS, or nothing that could be told in the bytes allowed; `ended`: the client sends no more. */
  | { readonly kind: 'plain'; readonly bytes: Buffer; readonly ended: boolean }
  | { readonly kind: 'timeout' }
  /** Closed without a byte. */
  | { readonly kind: 'gone' };

export interface DetectOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Bytes that are known already. */
  readonly first: Buffer;
}

/** Looks whether a connection begins with TLS, and for whom. */
export function detectTls(socket: Conn, options: DetectOptions, done: (seen: TlsSeen) => void): void {
  peek(socket, { ...options, bytesMax: HELLO_BYTES_MAX }, decideTls, (result) => {
    switch (result.kind) {
      case 'decided':
        if (result.value.kind === 'tls') done({ kind: 'hello', hello: result.value.hello, bytes: result.bytes });
        else done({ kind: 'plain', bytes: result.bytes, ended: false });
        break;
      case 'full':
        done({ kind: 'plain', bytes: result.bytes, ended: false });
        break;
      case 'ended':
        if (result.bytes.length > 0) done({ kind: 'plain', bytes: result.bytes, ended: true });
        else done({ kind: 'gone' });
        break;
      case 'timeout':
        done({ kind: 'timeout' });
        break;
      case 'broken':
        done({ kind: 'gone' });
        break;
    }
  });
}

export interface TerminateMeshOptions {
  readonly clock: Clock;
  readonly context: SecureContext;
  readonly alpn?: readonly string[];
  /** The ClientHello, and what came with it. */
  readonly bytes: Buffer;
}

/** Serves mesh TLS within a bounded time; exactly one of the functions is called. */
export function terminateMesh(
  socket: Conn,
  options: TerminateMeshOptions,
  sink: {
    /** `identity`: of the client's verified certificate; undefined: it sent none. */
    secured(secured: Conn, identity: string | undefined): void;
    failed(code: 'forged-client' | 'tls-handshake', detail: string): void;
  },
): void {
  const { clock, context, alpn, bytes } = options;
  let late = false;
  const timer = clock.after(LIMITS.handshakeMs, () => {
    late = true;
    socket.destroy();
  });
  socket.unshift(bytes);
  terminate(
    socket,
    { context, ...(alpn && { alpn }) },
    {
      secured(secured, identity) {
        timer.cancel();
        secured.on('error', ignoreLateError);
        sink.secured(secured, identity);
      },
      failed(error, reason) {
        timer.cancel();
        const detail = late ? `no end of it within ${LIMITS.handshakeMs}ms` : error.message;
        sink.failed(reason === 'untrusted' ? 'forged-client' : 'tls-handshake', detail);
      },
    },
  );
}
