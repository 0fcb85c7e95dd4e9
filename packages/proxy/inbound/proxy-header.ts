import { decodeProxyHeader, PROXY_HEADER_BYTES_MAX } from '#wire/proxy-protocol';
import { peek } from '../accept/index.ts';
import { parseIp } from '../discover/index.ts';
import type { Conn } from '../tcp/index.ts';
import { type Accepted, type InboundContext, NO_BYTES } from './context.ts';

/**
 * Reads the PROXY protocol header that connections to some ports begin with, and calls `done` with the client that it names and the
 * bytes behind it. A header that names nobody (`UNKNOWN`, `LOCAL`: a health check of the balancer itself) leaves the client as it
 * was; a connection without a proper one is closed, since nobody could tell who it comes from.
 */
export function readProxyHeader(
  socket: Conn,
  context: InboundContext,
  from: Accepted,
  done: (client: Accepted, first: Buffer) => void,
): void {
  const { clock } = context.deps;
  const options = {
    clock,
    timeoutMs: context.config.detectTimeoutMs,
    bytesMax: PROXY_HEADER_BYTES_MAX,
    first: NO_BYTES,
  };
  const decide = (bytes: Buffer) => {
    const result = decodeProxyHeader(bytes, bytes.length);
    return result.kind === 'more' ? undefined : result;
  };
  peek(socket, options, decide, (result) => {
    if (result.kind !== 'decided') context.refuse(socket, from.addr, 'bad-proxy-header', REASONS[result.kind]);
    else if (result.value.kind === 'absent') context.refuse(socket, from.addr, 'bad-proxy-header', 'it has none');
    else if (result.value.kind === 'invalid')
      context.refuse(socket, from.addr, 'bad-proxy-header', result.value.reason);
    else {
      const { header, next } = result.value;
      const ip = header.source && parseIp(header.source.ip);
      const client = ip && header.source ? { ...from, ip, addr: header.source.ip, port: header.source.port } : from;
      done(client, result.bytes.subarray(next));
    }
  });
}

const REASONS = {
  timeout: 'it did not come in time',
  full: 'it is too long',
  ended: 'the connection ended before it',
  broken: 'the connection broke before it',
} as const;
