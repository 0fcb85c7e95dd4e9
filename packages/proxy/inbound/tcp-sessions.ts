import type { FaultCode } from '#model/faults';
import { formatAddr } from '#runtime/net';
import { dial } from '../dial/index.ts';
import type { Authorization } from '../discover/index.ts';
import type { Connect } from '../gateway/index.ts';
import { type Conn, splice } from '../tcp/index.ts';
import { auditFields } from './audit.ts';
import { authorize } from './authorize.ts';
import type { Client, InboundContext } from './context.ts';

/** Connections whose bytes go through unread, as long as the port's policy admits their client. */
export class TcpSessions {
  readonly #context: InboundContext;

  constructor(context: InboundContext) {
    this.#context = context;
  }

  /**
   * `first`: bytes that were read already; `ended`: no others come. `connect`: where to; absent: to the application at the address
   * that the client wanted.
   */
  forward(socket: Conn, first: Buffer, ended: boolean, client: Client, connect = this.#toApp(client)): void {
    const { metrics, deps, log } = this.#context;
    const { dst, policy, tlsLabels: tls } = client;
    const labels = { dst, tls, server: policy.current.meta };
    const counts = metrics.tcp(labels);
    const authorization = admitted(client);
    if (!authorization) {
      counts.deny();
      this.#context.refuse(socket, client.addr, 'unauthorized-connection', formatAddr(dst.ip, dst.port));
      client.closed();
      return;
    }
    counts.allow(authorization);
    const audit = auditFields({ server: policy.current.meta, authorization, tls: client.tls, addr: client.addr });
    if (audit) log.info('Connection allowed', audit);
    const source = metrics.source(labels);
    deps.sockets.track(socket);
    source.scope.opened();
    source.scope.read(first.length);
    const over = (): void => {
      source.release();
      client.closed();
    };
    let cancel = (): void => undefined;
    const onClose = (): void => {
      cancel();
      source.scope.closed('');
      over();
    };
    const refuse = (code: FaultCode, detail: string): void => {
      socket.off('close', onClose);
      this.#context.refuse(socket, client.addr, code, detail);
      source.scope.closed('');
      over();
    };
    socket.once('close', onClose);
    cancel = connect({
      connected: (upstream, scope, done) => {
        if (!admitted(client)) {
          // The policy has changed while the connection was made.
          counts.terminate();
          upstream.destroy();
          done();
          refuse('unauthorized-connection', formatAddr(dst.ip, dst.port));
          return;
        }
        socket.off('close', onClose);
        scope.opened();
        const stopWatching = policy.onChange(() => {
          if (admitted(client)) return;
          counts.terminate();
          log.info('Connection terminated: no longer authorized', { 'client.addr': client.addr });
          pair.abort();
        });
        const pair = splice(
          { socket, scope: source.scope, first, ended },
          { socket: upstream, scope, first: undefined, ended: false },
          deps.clock,
          () => {
            stopWatching();
            deps.drain.remove(pair);
            done();
            over();
          },
        );
        deps.drain.add(pair);
      },
      failed: (fault) => refuse(fault.code, fault.detail),
    });
  }

  #toApp({ dst }: Client): Connect {
    const { config, deps, metrics } = this.#context;
    const { connectTimeoutMs: timeoutMs, options } = config.app;
    return (sink) =>
      dial({ host: dst.ip, port: dst.port, timeoutMs, options }, deps, {
        connected: (upstream) => {
          const app = metrics.app();
          sink.connected(upstream, app.scope, app.release);
        },
        failed: (fault) => sink.failed(fault),
      });
  }
}

/** Policies that allow only HTTP admit no bytes, whoever sends them. */
function admitted({ policy, ip, tls }: Client): Authorization | undefined {
  const { protocol, authorizations, invalid } = policy.current;
  const onlyHttp = protocol === 'http1' || protocol === 'http2' || protocol === 'grpc';
  return invalid !== undefined || onlyHttp ? undefined : authorize(authorizations, ip, tls);
}
