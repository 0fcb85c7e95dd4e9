import type { FaultCode } from '#model/faults';
import type { Clock, Timer } from '#runtime/clock';
import type { Timeouts } from './contract.ts';

/** The bounds in time of one exchange; made only for exchanges that have some. */
export class ExchangeTimers {
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #expired: (code: FaultCode) => void;
  #request: Timer | undefined;
  #head: Timer | undefined;
  #response: Timer | undefined;
  #try: Timer | undefined;
  #idle: Timer | undefined;
  #activeMs = 0;

  constructor(clock: Clock, timeouts: Timeouts, expired: (code: FaultCode) => void) {
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#expired = expired;
    const { requestMs, headMs, idleMs } = timeouts;
    if (requestMs !== undefined) this.#request = clock.after(requestMs, () => expired('request-timeout'));
    if (headMs !== undefined) this.#head = clock.after(headMs, () => expired('profile-timeout'));
    if (idleMs !== undefined) this.#watchIdle(idleMs);
  }

  /** A frame passed, either way. */
  active(): void {
    if (this.#idle) this.#activeMs = this.#clock.nowMs();
  }

  /** The whole request of an attempt is with the server. `perTryMs`: how long this attempt may take to its response head. */
  requestSent(perTryMs: number | undefined): void {
    this.#startResponse();
    if (perTryMs !== undefined)
      this.#try = this.#clock.after(perTryMs, () => this.#expired('response-headers-timeout'));
  }

  /** A response head came, which may yet be given up for another attempt. */
  headCame(): void {
    this.active();
    this.#try?.cancel();
    this.#startResponse();
  }

  /** The response goes to the client. */
  responseBegan(): void {
    this.#head?.cancel();
  }

  /** What concerns one attempt is over. */
  attemptEnded(): void {
    this.#try?.cancel();
    this.#response?.cancel();
    this.#response = undefined;
  }

  cancel(): void {
    this.attemptEnded();
    this.#request?.cancel();
    this.#head?.cancel();
    this.#idle?.cancel();
    this.#idle = undefined;
  }

  #startResponse(): void {
    const { responseMs } = this.#timeouts;
    if (responseMs !== undefined)
      this.#response ??= this.#clock.after(responseMs, () => this.#expired('response-timeout'));
  }

  /** One timer that looks when the last frame passed, instead of a timer started anew for each. */
  #watchIdle(idleMs: number): void {
    this.#activeMs = this.#clock.nowMs();
    const look = (): void => {
      const leftMs = this.#activeMs + idleMs - this.#clock.nowMs();
      if (leftMs > 0) this.#idle = this.#clock.after(leftMs, look);
      else this.#expired('idle-timeout');
    };
    this.#idle = this.#clock.after(idleMs, look);
  }
}
