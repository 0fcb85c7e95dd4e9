import { FAULTS, type FaultCode } from '#model/faults';
import type { Counter } from '#runtime/metrics';
import type { Metrics } from './labels.ts';

type Family =
  | 'inbound_http_errors_total'
  | 'inbound_tcp_errors_total'
  | 'outbound_http_errors_total'
  | 'outbound_tcp_errors_total';

/** Counts faults under the label that the table gives them. */
export class Errors {
  readonly #metrics: Metrics;
  readonly #family: Family;
  readonly #byLabel = new Map<string, Counter>();

  constructor(metrics: Metrics, family: Family) {
    this.#metrics = metrics;
    this.#family = family;
  }

  count(code: FaultCode): void {
    const error = FAULTS[code].label;
    if (error === undefined) return;
    let counter = this.#byLabel.get(error);
    if (!counter) {
      counter = this.#metrics.counter(this.#family, { error });
      this.#byLabel.set(error, counter);
    }
    counter.inc();
  }
}

/** The label `error` of outbound route metrics. */
export function routeError(fault: FaultCode | undefined): string {
  if (fault === undefined) return '';
  return ROUTE_ERRORS[fault] ?? 'UNKNOWN';
}

const ROUTE_ERRORS: Partial<Record<FaultCode, string>> = {
  'fail-fast': 'FAIL_FAST',
  'load-shed': 'LOAD_SHED',
  'client-gone': 'CANCEL',
  'request-timeout': 'REQUEST_TIMEOUT',
  'response-timeout': 'RESPONSE_STREAM_TIMEOUT',
  'response-headers-timeout': 'RESPONSE_HEADERS_TIMEOUT',
  'profile-timeout': 'RESPONSE_HEADERS_TIMEOUT',
  'idle-timeout': 'IDLE_TIMEOUT',
  'connect-refused': 'IO',
  'connect-timeout': 'IO',
  'tls-handshake': 'IO',
  'identity-mismatch': 'IO',
  'upstream-reset': 'IO',
  'upstream-malformed': 'IO',
  'h2-keep-alive': 'IO',
  'stream-cancelled': 'CANCEL',
  'stream-refused': 'REFUSED',
  'stream-calm': 'ENHANCE_YOUR_CALM',
  'stream-reset': 'RESET',
  'stream-goaway': 'GO_AWAY',
  'upgraded-reset': 'RESET',
};
