/** Finds dead peers of long-lived HTTP/2 sessions by PING. */
import type { Http2Session } from 'node:http2';

export interface KeepAlive {
  /** Time between pings. */
  intervalMs: number;
  /** A ping unanswered for this long ends the session. */
  timeoutMs: number;
}

/** Pings `session` until it closes; calls `dead` once when an answer fails to come. */
export function keepAlive(session: Http2Session, options: KeepAlive, dead: () => void): void {
  let answer: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (answer || session.destroyed) return;
    answer = setTimeout(() => {
      stop();
      dead();
    }, options.timeoutMs);
    answer.unref();
    session.ping(() => {
      clearTimeout(answer);
      answer = undefined;
    });
  }, options.intervalMs);
  interval.unref();
  const stop = () => {
    clearInterval(interval);
    clearTimeout(answer);
  };
  session.once('close', stop);
}
