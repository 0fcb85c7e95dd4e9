import type { FaultCode } from '#model/faults';

/** How one request went, as one record: every metric about it is written from this when it ends. Times are monotonic. */
export class Outcome {
  startMs = 0;
  /** 0 until the response began. */
  responseStartMs = 0;
  endMs = 0;
  /** 0 when no response head was sent. */
  status = 0;
  /** Why the proxy itself answered or broke off; undefined: the response came whole from upstream. */
  fault: FaultCode | undefined;

  begin(nowMs: number): void {
    this.startMs = nowMs;
    this.responseStartMs = 0;
    this.endMs = 0;
    this.status = 0;
    this.fault = undefined;
  }
}

/** Metrics of one place that a request passes (route, backend, endpoint), bound before. */
export interface RequestScope {
  /** The request was sent this way. */
  started(): void;
  requestFrame(bytes: number): void;
  responseFrame(bytes: number): void;
  ended(outcome: Outcome): void;
}
