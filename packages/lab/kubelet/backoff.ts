/** How long a crashed container waits: the settings of one lab. */
export interface BackoffSettings {
  firstMs: number;
  capMs: number;
  /** A run that lasted this long forgets earlier crashes. */
  resetMs: number;
}

/**
 * A container's crash back-off as kubelets count it: the first restart comes at once, then 10 s, 20 s… after each end of the
 * program.
 */
export class RestartBackoff {
  private readonly settings: BackoffSettings;
  private delayMs = 0;

  constructor(settings: BackoffSettings) {
    this.settings = settings;
  }

  /** The program ended after running from one moment to another; gives when it may run again. */
  nextStartMs(ranFromMs: number, endedAtMs: number): number {
    if (endedAtMs - ranFromMs >= this.settings.resetMs) this.delayMs = 0;
    const startMs = endedAtMs + this.delayMs;
    this.delayMs = this.delayMs === 0 ? this.settings.firstMs : Math.min(this.delayMs * 2, this.settings.capMs);
    return startMs;
  }
}

/** A pause that doubles with each failure; success starts over. */
export class Retry {
  private readonly firstMs: number;
  private readonly capMs: number;
  private delayMs: number;

  constructor(settings: { firstMs: number; capMs: number }) {
    this.firstMs = settings.firstMs;
    this.capMs = settings.capMs;
    this.delayMs = settings.firstMs;
  }

  failed(): number {
    const delayMs = this.delayMs;
    this.delayMs = Math.min(this.delayMs * 2, this.capMs);
    return delayMs;
  }

  succeeded(): void {
    this.delayMs = this.firstMs;
  }
}

/** Text of a pause as Go prints durations of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
