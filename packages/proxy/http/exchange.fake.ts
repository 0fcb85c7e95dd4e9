import type { Fault } from '#model/faults';
import { FakeClock } from '#runtime/clock';
import { Field, type RequestHead, type ResponseHead } from '#wire/fields';
import type { ClientInfo, Downstream, RetryEvent, Sender } from './contract.ts';
import { Exchange, type ExchangeObserver, type HttpSide, type Plan, type Upstream } from './exchange.ts';
import { NAMES, STRIP } from './names.ts';
import type { RequestScope } from './outcome.ts';
import { createHttpShared } from './shared.ts';

const CLIENT: ClientInfo = {
  ip: '10.0.0.1',
  port: 40_000,
  dst: { ip: '10.96.0.10', port: 80 },
  identity: undefined,
  tls: { tls: 'no_identity', no_tls_reason: 'loopback' },
};

/** `name: value` as a field with its id. */
export function fieldOf(line: string): Field {
  const [name = '', value = ''] = line.split(/: (.*)/s);
  return new Field(NAMES.find(name), name, value);
}

export function requestOf(changes: Partial<RequestHead> = {}, ...lines: string[]): RequestHead {
  const fields = lines.map(fieldOf);
  const base = { version: 11, method: 'GET', scheme: '', authority: 'web', path: '/', absoluteForm: false } as const;
  return { ...base, upgrade: '', fields, contentLength: -1, ...changes };
}

export function responseOf(status: number, ...lines: string[]): ResponseHead {
  return { version: 11, status, upgrade: '', fields: lines.map(fieldOf), contentLength: -1 };
}

/** A connection to a server as the exchange sees it: what it is told goes to the script's log. */
class FakeSender implements Sender {
  readonly version: 11 | 20;
  readonly reused = false;
  readonly #name: string;
  readonly #log: (line: string) => void;
  /** What `data` gives. */
  room = true;

  constructor(name: string, version: 11 | 20, log: (line: string) => void) {
    this.version = version;
    this.#name = name;
    this.#log = log;
  }

  head(head: RequestHead, end: boolean): void {
    const fields = head.fields.map(({ name, value }) => ` ${name}=${value}`).join('');
    this.#log(`${this.#name} ${head.method} ${head.authority}${head.path}${fields}${end ? ' end' : ''}`);
  }
  data(buf: Uint8Array, start: number, end: number): boolean {
    this.#log(`${this.#name} data ${text(buf, start, end)}`);
    return this.room;
  }
  end(trailers: readonly Field[] | undefined): void {
    this.#log(`${this.#name} end${trailersText(trailers)}`);
  }
  pause(): void {
    this.#log(`${this.#name} pause`);
  }
  resume(): void {
    this.#log(`${this.#name} resume`);
  }
  release(): void {
    this.#log(`${this.#name} release`);
  }
  cancel(): void {
    this.#log(`${this.#name} cancel`);
  }
  discard(): void {
    this.#log(`${this.#name} discard`);
  }
}

/**
 * An exchange between a scripted client and scripted servers. `log` tells in order what both got: `up1` is the sender of the first
 * attempt, `down` the client.
 */
export class ExchangeScript {
  readonly clock = new FakeClock();
  readonly log: string[] = [];
  readonly counted: RetryEvent[] = [];
  readonly failed: string[] = [];
  readonly observers: ExchangeObserver[] = [];
  readonly side: HttpSide;
  readonly exchange: Exchange;
  readonly senders: FakeSender[] = [];
  /** Who got the last sender. */
  attached: Exchange | undefined;
  /** Attach a sender at once when one is asked for. */
  attaches = true;
  /** Of the connections that are attached. */
  senderVersion: 11 | 20 = 11;
  room = true;
  /** Chance, from 0 on. */
  random = 0;
  readonly upstream: Upstream = {
    acquire: () => {
      this.log.push('acquire');
      if (this.attaches) this.attach();
    },
    cancel: () => this.log.push('forget'),
    responded: (_exchange, head) => this.log.push(`responded ${head.status}`),
    ended: () => this.log.push('left'),
  };

  constructor(changes: Partial<HttpSide> = {}, version: 11 | 20 = 11, explain = true, identity?: string) {
    this.side = {
      shared: createHttpShared(this.clock),
      clock: this.clock,
      random: () => this.random,
      strip: { request: STRIP['outbound-request'], response: STRIP['outbound-response'] },
      obeyPeerClose: true,
      observers: this.observers,
      inFlightMax: 10,
      inFlight: 0,
      failed: (code) => this.failed.push(code),
      ...changes,
    };
    this.exchange = new Exchange(this.side, this.#downstream(version, identity), explain);
  }

  /** Begins a request whose attempts all go to `upstream`. */
  begin(head: RequestHead, end: boolean, plan: Partial<Plan> = {}): this {
    const whole: Plan = {
      timeouts: undefined,
      retry: undefined,
      allowsRequestHeaders: false,
      retried: (what) => this.counted.push(what),
      dispatch: (exchange) => {
        exchange.upstream = this.upstream;
        return undefined;
      },
      ...plan,
    };
    this.exchange.begin(head, end, { route: () => whole });
    return this;
  }

  refuse(head: RequestHead, end: boolean, fault: Fault): this {
    this.exchange.begin(head, end, { route: () => fault });
    return this;
  }

  attach(): boolean {
    return this.attachTo(this.exchange);
  }

  /** Gives a sender of this script to any exchange. */
  attachTo(exchange: Exchange): boolean {
    const sender = new FakeSender(`up${this.senders.length + 1}`, this.senderVersion, (line) => this.log.push(line));
    this.senders.push(sender);
    this.attached = exchange;
    const taken = exchange.attach(sender);
    if (!taken) this.senders.splice(this.senders.indexOf(sender), 1);
    return taken;
  }

  data(bytes: string): this {
    const buf = Buffer.from(bytes);
    this.exchange.data(buf, 0, buf.length);
    return this;
  }

  responseData(bytes: string): this {
    const buf = Buffer.from(bytes);
    this.exchange.responseData(buf, 0, buf.length);
    return this;
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }

  /** A scope that logs how requests ended. */
  scope(name: string): RequestScope {
    return {
      started: () => this.log.push(`${name} started`),
      requestFrame: () => undefined,
      responseFrame: () => undefined,
      ended: ({ status, fault, grpcStatus }) =>
        this.log.push(`${name} ended ${status} ${fault ?? 'well'}${grpcStatus < 0 ? '' : ` grpc ${grpcStatus}`}`),
    };
  }

  #downstream(version: 11 | 20, identity: string | undefined): Downstream {
    return {
      version,
      client: { ...CLIENT, identity },
      informational: (head) => this.log.push(`down ${head.status}`),
      respond: (head, end) => {
        const fields = head.fields.map(({ name, value }) => ` ${name}=${value}`).join('');
        this.log.push(`down ${head.status}${fields}${end ? ' end' : ''}`);
      },
      data: (buf, start, end) => {
        this.log.push(`down data ${text(buf, start, end)}`);
        return this.room;
      },
      end: (trailers) => this.log.push(`down end${trailersText(trailers)}`),
      reset: (code) => this.log.push(`down reset ${code}`),
      pause: (reason) => this.log.push(`down pause ${reason}`),
      resume: () => undefined,
      closeConnection: () => this.log.push('down close'),
      done: () => this.log.push('done'),
    };
  }
}

function text(buf: Uint8Array, start: number, end: number): string {
  return Buffer.from(buf.subarray(start, end)).toString('latin1');
}

function trailersText(trailers: readonly Field[] | undefined): string {
  return (trailers ?? []).map(({ name, value }) => ` ${name}=${value}`).join('');
}
