import type { ResponseClasses } from '#model/classify';
import type { FaultCode } from '#model/faults';
import type { Field } from '#wire/fields';

/** How one request went, as one record: every metric about it is written from this when it ends. Times are monotonic. */
export class Outcome {
  /** What the request's route calls a failure; undefined: the usual. */
  classes: Pick<ResponseClasses, 'isFailure'> | undefined;
  startMs = 0;
  /** 0 until the response began. */
  responseStartMs = 0;
  endMs = 0;
  /** 0 when no response head was sent. */
  status = 0;
  /** The request was gRPC: HTTP/2 with such a content type. */
  isGrpc = false;
  /** From the response's head or trailers, or of the fault that answered a gRPC request; -1: none. */
  grpcStatus = -1;
  /** Why the proxy itself answered or broke off; undefined: the response came whole from upstream. */
  fault: FaultCode | undefined;
  /** Body bytes without framing, as far as they passed. */
  requestBytes = 0;
  responseBytes = 0;
  /** The trailer section that ended the response; undefined: none. */
  trailers: readonly Field[] | undefined;
  /** HTTP/2 error code that the response was broken off with, or that says so of other versions; -1: it was not. */
  resetCode = -1;
  /** Times that a policy had it sent again. */
  retries = 0;

  begin(nowMs: number): void {
    this.startMs = nowMs;
    this.endMs = 0;
    this.isGrpc = false;
    this.requestBytes = 0;
    this.retries = 0;
    this.classes = undefined;
    this.beginAttempt();
  }

  /** Forgets the response of an attempt that is not the last. */
  beginAttempt(): void {
    this.responseStartMs = 0;
    this.status = 0;
    this.grpcStatus = -1;
    this.fault = undefined;
    this.responseBytes = 0;
    this.trailers = undefined;
    this.resetCode = -1;
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
