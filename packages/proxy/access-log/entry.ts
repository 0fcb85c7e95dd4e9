import type { AccessEntry } from '#model/access-log';
import { formatAddr } from '#runtime/net';
import type { Field, ResponseHead } from '#wire/fields';
import type { Exchange } from '../http/index.ts';

const VERSIONS = { 10: 'HTTP/1.0', 11: 'HTTP/1.1', 20: 'HTTP/2.0' } as const;

/** One request at the moment its response's head goes out, as formats of the access log ask for it. */
export class ExchangeEntry implements AccessEntry {
  readonly startWallMs: number;
  readonly totalMs: number;
  readonly processingMs: number;
  readonly #exchange: Exchange;
  readonly #head: ResponseHead;

  /** `dispatchedMs`: when the request got its connection; undefined: never. */
  constructor(exchange: Exchange, head: ResponseHead, dispatchedMs: number | undefined, nowMs: number, wallMs: number) {
    const { startMs } = exchange.outcome;
    this.#exchange = exchange;
    this.#head = head;
    this.totalMs = nowMs - startMs;
    this.processingMs = (dispatchedMs ?? nowMs) - startMs;
    this.startWallMs = wallMs - this.totalMs;
  }

  get method(): string {
    return this.#exchange.request.method;
  }
  get uri(): string {
    const { version, absoluteForm, scheme, authority, path } = this.#exchange.request;
    return version === 20 || absoluteForm ? `${scheme || 'http'}://${authority}${path}` : path || authority;
  }
  get path(): string {
    return this.#exchange.request.path;
  }
  get version(): string {
    return VERSIONS[this.#exchange.request.version];
  }
  get authority(): string {
    return this.#exchange.request.authority;
  }
  get clientIp(): string {
    return this.#exchange.client.ip;
  }
  get clientAddr(): string {
    return formatAddr(this.#exchange.client.ip, this.#exchange.client.port);
  }
  get localAddr(): string {
    return formatAddr(this.#exchange.client.dst.ip, this.#exchange.client.dst.port);
  }
  get clientId(): string | undefined {
    return this.#exchange.client.identity;
  }
  get status(): number {
    return this.#head.status;
  }
  get grpcStatus(): number {
    return this.#exchange.outcome.grpcStatus;
  }
  get fault(): string | undefined {
    return this.#exchange.outcome.fault;
  }

  requestField(name: string): string | undefined {
    return firstValue(this.#exchange.request.fields, name);
  }
  responseField(name: string): string | undefined {
    return firstValue(this.#head.fields, name);
  }
}

function firstValue(fields: readonly Field[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i++) if (fields[i]!.name === name) return fields[i]!.value;
  return undefined;
}
