import type { MessageInitShape } from '@bufbuild/protobuf';
import { encodeTcpAddress, tap } from '#api/mesh';
import type { ResponseHead } from '#wire/fields';
import type { Outcome } from '../http/index.ts';
import { headersMessage, methodMessage, pathOf, schemeMessage, schemeOf } from './http.ts';
import type { Peer, Subject } from './subject.ts';

export type TapEvent = MessageInitShape<typeof tap.TapEventSchema>;

/** Which request of which Observe call. */
export interface StreamId {
  readonly base: number;
  readonly stream: bigint;
}

const DIRECTIONS = {
  inbound: tap.TapEvent_ProxyDirection.INBOUND,
  outbound: tap.TapEvent_ProxyDirection.OUTBOUND,
} as const;

/** Makes the events of one request; `headers`: with its header fields. */
export class EventMaker {
  readonly #id: StreamId;
  readonly #subject: Subject;
  readonly #headers: boolean;

  constructor(id: StreamId, subject: Subject, headers: boolean) {
    this.#id = id;
    this.#subject = subject;
    this.#headers = headers;
  }

  request(): TapEvent {
    const { request } = this.#subject;
    const { method, authority } = request;
    const pseudo = [
      [':method', method],
      [':scheme', schemeOf(request)],
      [':authority', authority],
      [':path', request.path],
    ] as const;
    return this.#event({
      case: 'requestInit',
      value: {
        id: this.#id,
        method: methodMessage(method),
        scheme: schemeMessage(schemeOf(request)),
        authority,
        path: pathOf(request),
        ...(this.#headers && { headers: headersMessage(request.fields, request.version === 20 ? pseudo : []) }),
      },
    });
  }

  response(head: ResponseHead, sinceRequestMs: number): TapEvent {
    const pseudo = [[':status', String(head.status)]] as const;
    return this.#event({
      case: 'responseInit',
      value: {
        id: this.#id,
        sinceRequestInit: duration(sinceRequestMs),
        httpStatus: head.status,
        ...(this.#headers && { headers: headersMessage(head.fields, head.version === 20 ? pseudo : []) }),
      },
    });
  }

  end(outcome: Outcome): TapEvent {
    const { startMs, responseStartMs, endMs, trailers } = outcome;
    const eos = eosOf(outcome);
    return this.#event({
      case: 'responseEnd',
      value: {
        id: this.#id,
        sinceRequestInit: duration(endMs - startMs),
        ...(responseStartMs > 0 && { sinceResponseInit: duration(endMs - responseStartMs) }),
        responseBytes: BigInt(outcome.responseBytes),
        ...(eos && { eos }),
        ...(this.#headers && trailers && { trailers: headersMessage(trailers) }),
      },
    });
  }

  #event(event: NonNullable<MessageInitShape<typeof tap.TapEvent_HttpSchema>['event']>): TapEvent {
    const { source, destination, routeLabels, direction } = this.#subject;
    return {
      ...(addressOf(source) && { source: addressOf(source)! }),
      ...(addressOf(destination) && { destination: addressOf(destination)! }),
      sourceMeta: { labels: { ...source.labels } },
      destinationMeta: { labels: { ...destination.labels } },
      routeMeta: { labels: { ...routeLabels } },
      proxyDirection: DIRECTIONS[direction],
      event: { case: 'http', value: { event } },
    };
  }
}

function addressOf({ ip, port }: Peer) {
  return encodeTcpAddress(ip, port);
}

function eosOf({ isGrpc, grpcStatus, resetCode }: Outcome): MessageInitShape<typeof tap.EosSchema> | undefined {
  if (resetCode >= 0) return { end: { case: 'resetErrorCode', value: resetCode } };
  return isGrpc && grpcStatus >= 0 ? { end: { case: 'grpcStatusCode', value: grpcStatus } } : undefined;
}

function duration(ms: number) {
  const whole = Math.floor(ms / 1000);
  return { seconds: BigInt(whole), nanos: Math.round((ms - whole * 1000) * 1e6) };
}
