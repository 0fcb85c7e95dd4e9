import { formatAddr, type SocketAddr } from '#runtime/net';
import { LIMITS } from '../limits.ts';
import { LocalApp } from './app.ts';
import type { InboundContext } from './context.ts';

/** The application's addresses that requests go to, each with its connections, which outlive those of clients. */
export class Apps {
  readonly #context: InboundContext;
  readonly #apps = new Map<string, { app: LocalApp; users: number; release: () => void }>();

  constructor(context: InboundContext) {
    this.#context = context;
  }

  /** `release` when the client's connection is over. */
  hold(dst: SocketAddr): { app: LocalApp; release: () => void } {
    const key = formatAddr(dst.ip, dst.port);
    let entry = this.#apps.get(key);
    if (!entry) {
      if (this.#apps.size >= LIMITS.portPoliciesMax) this.#forgetUnused();
      const { config, deps, metrics, profiles } = this.#context;
      const { scope, release } = metrics.app();
      entry = { app: new LocalApp(dst, config.app, scope, { ...deps, profiles }), users: 0, release };
      this.#apps.set(key, entry);
    }
    const held = entry;
    held.users++;
    return { app: held.app, release: () => held.users-- };
  }

  #forgetUnused(): void {
    for (const [key, { app, users, release }] of this.#apps) {
      if (users > 0 || app.size > 0) continue;
      this.#apps.delete(key);
      app.close();
      release();
    }
  }
}
