import type { FaultCode } from '#model/faults';
import type { Counter, Histogram } from '#runtime/metrics';
import type { Outcome } from '../http/index.ts';
import { routeError } from './errors.ts';
import { knownGrpcStatus } from './status.ts';

/** The labels that say how a response ended. */
export interface ResponseLabels {
  readonly status_code: string;
  readonly classification: 'success' | 'failure';
  /** The number, '' without one. */
  readonly grpc_status: string;
  readonly error: string;
}

interface Cells {
  readonly responses: Counter;
  readonly latency: Histogram | undefined;
}

export interface ResponseFamilies {
  responses(labels: ResponseLabels): Counter;
  /** Absent: not measured. */
  latency?(statusCode: string): Histogram;
  /** Asked for each response: routes may see it differently. */
  isFailure(outcome: Outcome): boolean;
}

/** Counters and latencies of responses by how they ended, bound when first needed. */
export class ResponseCells {
  readonly #families: ResponseFamilies;
  readonly #cells = new Map<string | number, Cells>();
  /** Most responses end as the last one did. */
  #lastStatus = -1;
  #lastGrpcStatus = -1;
  #lastFault: FaultCode | undefined;
  #lastFailed = false;
  #last: Cells | undefined;

  constructor(families: ResponseFamilies) {
    this.#families = families;
  }

  count(outcome: Outcome): void {
    const { status, fault, grpcStatus } = outcome;
    const failed = this.#families.isFailure(outcome);
    let cells = this.#last;
    if (
      !cells ||
      status !== this.#lastStatus ||
      failed !== this.#lastFailed ||
      grpcStatus !== this.#lastGrpcStatus ||
      fault !== this.#lastFault
    ) {
      cells = this.#find(outcome, failed);
      this.#last = cells;
      this.#lastStatus = status;
      this.#lastGrpcStatus = grpcStatus;
      this.#lastFault = fault;
      this.#lastFailed = failed;
    }
    cells.responses.inc();
    cells.latency?.observe(outcome.endMs - outcome.startMs);
  }

  #find(outcome: Outcome, failed: boolean): Cells {
    const { status, fault, isGrpc } = outcome;
    const grpcStatus = isGrpc && outcome.grpcStatus >= 0 ? knownGrpcStatus(outcome.grpcStatus) : -1;
    // gRPC without a status is not plain HTTP: it is a failure.
    const code = (failed ? -1 : 1) * (status + 1 + 1_000 * (isGrpc ? grpcStatus + 2 : 0));
    const key = fault === undefined ? code : `${code} ${fault}`;
    let cells = this.#cells.get(key);
    if (!cells) {
      const status_code = status === 0 ? '' : String(status);
      cells = {
        responses: this.#families.responses({
          status_code,
          classification: failed ? 'failure' : 'success',
          grpc_status: grpcStatus < 0 ? '' : String(grpcStatus),
          error: routeError(fault),
        }),
        latency: this.#families.latency?.(status_code),
      };
      this.#cells.set(key, cells);
    }
    return cells;
  }
}
