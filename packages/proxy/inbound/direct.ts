import { decodeTransportHeader, TRANSPORT_ALPN, TRANSPORT_HEADER_BYTES_MAX } from '#wire/transport-header';
import { detectTls, peek, terminateMesh } from '../accept/index.ts';
import { type Gateway, isIdentity } from '../gateway/index.ts';
import type { Conn } from '../tcp/index.ts';
import { type Accepted, type Client, type InboundContext, NO_BYTES } from './context.ts';
import type { HttpSessions } from './http-sessions.ts';
import type { TcpSessions } from './tcp-sessions.ts';

/** The parts of a transport header that was read. */
type Header = Extract<ReturnType<typeof decodeTransportHeader>, { kind: 'header' }>['header'];

/** Connections from proxies to our own port: mutual TLS, then a header that says which port or name they are for. */
export class Direct {
  readonly #context: InboundContext;
  readonly #http: HttpSessions;
  readonly #tcp: TcpSessions;
  readonly #gateway: Gateway | undefined;

  constructor(context: InboundContext, http: HttpSessions, tcp: TcpSessions, gateway: Gateway | undefined) {
    this.#context = context;
    this.#http = http;
    this.#tcp = tcp;
    this.#gateway = gateway;
  }

  accept(socket: Conn, from: Accepted): void {
    const { config, deps } = this.#context;
    const { clock, credentials } = deps;
    const refuse = this.#context.refuse.bind(this.#context, socket, from.addr);
    detectTls(socket, { clock, timeoutMs: config.detectTimeoutMs, first: NO_BYTES }, (seen) => {
      if (seen.kind === 'gone') socket.destroy();
      else if (seen.kind === 'timeout') refuse('tls-detect-timeout');
      else if (seen.kind === 'plain') refuse('client-identity-required', 'no TLS');
      else if (seen.hello.sni !== credentials.serverName)
        refuse('client-identity-required', `TLS for ${seen.hello.sni ?? 'nobody'}`);
      else if (!seen.hello.alpn.includes(TRANSPORT_ALPN)) refuse('bad-transport-header');
      else
        terminateMesh(
          socket,
          { clock, context: credentials.context(), alpn: [TRANSPORT_ALPN], bytes: seen.bytes },
          {
            secured: (secured, identity) => {
              if (identity === undefined) refuse('client-identity-required');
              else this.#readHeader(secured, from, identity);
            },
            failed: refuse,
          },
        );
    });
  }

  #readHeader(secured: Conn, from: Accepted, identity: string): void {
    const { clock } = this.#context.deps;
    const timeoutMs = this.#context.config.detectTimeoutMs;
    const options = { clock, timeoutMs, bytesMax: TRANSPORT_HEADER_BYTES_MAX, first: NO_BYTES };
    const decide = (bytes: Buffer) => {
      const result = decodeTransportHeader(bytes, bytes.length);
      return result.kind === 'more' ? undefined : result;
    };
    peek(secured, options, decide, (result) => {
      const refuse = this.#context.refuse.bind(this.#context, secured, from.addr);
      if (result.kind !== 'decided') refuse('bad-transport-header', result.kind);
      else if (result.value.kind === 'invalid') refuse('bad-transport-header', result.value.reason);
      else {
        const { header, next } = result.value;
        this.#context.metrics.transportHeader(header, identity);
        this.#serve(secured, result.bytes.subarray(next), header, from, identity);
      }
    });
  }

  #serve(secured: Conn, first: Buffer, header: Header, from: Accepted, identity: string): void {
    const { config, deps } = this.#context;
    const isForUs = header.name === '';
    if (isForUs && config.ownPorts.has(header.port)) {
      this.#context.refuse(secured, from.addr, 'loop', String(header.port));
      return;
    }
    // Who may use the gateway is said by the policy of the gateway's own port.
    const policy = deps.policies.get(isForUs ? header.port : config.directPort);
    const client: Client = {
      ...from,
      dst: { ip: from.dst.ip, port: isForUs ? header.port : config.directPort },
      policy,
      ...(isForUs && config.trustedGateways.has(identity) ? behindGateway(identity, header) : ofPeer(identity)),
      closed: () => policy.release(),
    };
    if (!isForUs) this.#forGateway(secured, first, header, client, identity);
    else if (header.session) this.#http.serve(header.session, secured, first, client);
    else this.#tcp.forward(secured, first, false, client);
  }

  #forGateway(secured: Conn, first: Buffer, header: Header, client: Client, identity: string): void {
    const { name, port, session } = header;
    if (!this.#gateway) {
      this.#context.refuse(secured, client.addr, 'bad-gateway-domain', name);
      client.closed();
      return;
    }
    this.#gateway.open({ name, port }, identity, (passage) => {
      const closed = (): void => {
        passage.release();
        client.closed();
      };
      const through = { ...client, closed };
      if (secured.destroyed) closed();
      else if (session) this.#http.serve(session, secured, first, through, passage);
      else this.#tcp.forward(secured, first, false, through, passage.connect);
    });
  }
}

type Who = Pick<Client, 'tls' | 'tlsLabels' | 'gateway'>;

const ofPeer = (identity: string): Who => ({
  tls: { terminated: true, identity },
  tlsLabels: { tls: 'true', client_id: identity },
});

/**
 * The client behind a trusted gateway. For bytes its header names it; where HTTP follows, as the header then says, the gateway wrote
 * every head itself, and names a client in each. In all else that a gateway passes on, its clients can write whatever they like.
 */
function behindGateway(gateway: string, { session, client }: Header): Who {
  if (session) return { ...ofPeer(gateway), gateway };
  const identity = client !== undefined && isIdentity(client) ? client : undefined;
  return { tls: { terminated: true, identity }, tlsLabels: { tls: 'true', client_id: identity ?? '' } };
}
