import { Fault } from '#model/faults';
import { RetryBudget } from '#model/retry';
import type { Timer } from '#runtime/clock';
import type { Deps } from '../deps.ts';
import { type Cancel, keepWatching, type MeshClients, type OutboundPolicy, type Profile } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import { type CompileDeps, type Compiled, compile, type OverridingProfile } from './compile.ts';
import { policyOfAddress, policyOfProfile } from './fallback.ts';
import { type TargetKey, type TargetsConfig, targetText } from './targets.ts';

/** Everything known about one address or name. */
export interface Target {
  readonly current: Compiled | undefined;
  /** Why it cannot be used. */
  readonly refused: Fault | undefined;
  /** Handled as bytes whatever the policy says. */
  readonly opaque: boolean;
  release(): void;
}

export interface DiscoveryDeps extends Deps {
  readonly config: TargetsConfig;
  readonly clients: MeshClients;
  readonly compiling: CompileDeps;
  /** Profiles are looked up for it. */
  readonly hasProfile: boolean;
  /** Nobody has used it for a while. */
  readonly forget: () => void;
}

type Answer<T> = { kind: 'pending' } | { kind: 'value'; value: T } | { kind: 'none' };

/** Discovery of one target, and what connections use of it. */
export class Discovery implements Target {
  current: Compiled | undefined;
  refused: Fault | undefined;
  readonly #key: TargetKey;
  readonly #deps: DiscoveryDeps;
  readonly #cancels: Cancel[] = [];
  #profile: Answer<Profile> = { kind: 'pending' };
  #policy: Answer<OutboundPolicy> = { kind: 'pending' };
  #budget: { readonly text: string; readonly budget: RetryBudget } | undefined;
  #waiting: ((target: Target | undefined) => void)[] = [];
  #holders = 0;
  #idleTimer: Timer | undefined;

  constructor(key: TargetKey, deps: DiscoveryDeps) {
    this.#key = key;
    this.#deps = deps;
    if (deps.hasProfile) this.#cancels.push(this.#watchProfile());
    else this.#profile = { kind: 'none' };
    this.#cancels.push(this.#watchPolicy());
  }

  get idle(): boolean {
    return this.#holders === 0;
  }

  get opaque(): boolean {
    return this.#profile.kind === 'value' && this.#profile.value.opaque;
  }

  hold(ready: (target: Target | undefined) => void): void {
    this.#holders++;
    this.#idleTimer?.cancel();
    if (this.current || this.refused) {
      ready(this);
      return;
    }
    const waiter = (target: Target | undefined): void => {
      timer.cancel();
      if (!target) this.release();
      ready(target);
    };
    const timer = this.#deps.clock.after(LIMITS.discoveryWaitMs, () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter(undefined);
    });
    this.#waiting.push(waiter);
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#idleTimer = this.#deps.clock.after(this.#deps.config.idleMs, () => {
      if (this.#holders > 0) return;
      this.#deps.forget();
      this.stop();
    });
  }

  stop(): void {
    this.#idleTimer?.cancel();
    for (const cancel of this.#cancels) cancel();
    this.current?.release();
    for (const waiter of this.#waiting.splice(0)) waiter(undefined);
  }

  #watchProfile(): Cancel {
    const { clients, config } = this.#deps;
    return keepWatching<Profile>(
      (sink) => clients.watchProfile(targetText(this.#key), sink),
      config.profileWatch,
      {
        value: (value) => {
          this.#profile = { kind: 'value', value };
          this.#settle();
        },
        refused: () => {
          if (this.#profile.kind === 'pending') this.#profile = { kind: 'none' };
          this.#settle();
        },
      },
      this.#deps,
    );
  }

  #watchPolicy(): Cancel {
    const { clients, config } = this.#deps;
    const key = this.#key;
    const target = key.kind === 'address' ? { ip: key.ip, port: key.port } : { authority: targetText(key) };
    return keepWatching<OutboundPolicy>(
      (sink) => clients.watchOutbound(target, sink),
      config.policyWatch,
      {
        value: (value) => {
          this.#policy = { kind: 'value', value };
          this.#settle();
        },
        refused: (error) => {
          if (this.#policy.kind !== 'pending') return;
          // What a name is, its profile can say too; an address that the controller refuses is not guessed at.
          const isUnknown = error.code === 'NOT_FOUND' || error.code === 'UNIMPLEMENTED' || key.kind !== 'address';
          if (isUnknown) this.#policy = { kind: 'none' };
          else this.refused = new Fault('invalid-policy', `${error.code}: ${error.message}`);
          this.#settle();
        },
      },
      this.#deps,
    );
  }

  /** Makes what connections use from what is known; wakes those who wait for it. */
  #settle(): void {
    if (this.#profile.kind === 'pending' || this.#policy.kind === 'pending') {
      if (!this.refused) return;
    } else this.#compile(answered(this.#profile), answered(this.#policy));
    for (const waiter of this.#waiting.splice(0)) waiter(this);
  }

  #compile(profile: Profile | undefined, known: OutboundPolicy | undefined): void {
    const policy = this.#policyFor(profile, known);
    const before = this.current;
    if (policy instanceof Fault) {
      this.refused = policy;
      this.current = undefined;
    } else {
      if (policy.invalid !== undefined)
        this.#deps.log.warn('Invalid outbound policy', { addr: targetText(this.#key), error: policy.invalid });
      this.refused = undefined;
      this.current = compile(policy, this.#overriding(profile), this.#deps.compiling);
    }
    before?.release();
  }

  /** Where the policy controller knows nothing, the profile or the address itself must do. */
  #policyFor(profile: Profile | undefined, known: OutboundPolicy | undefined): OutboundPolicy | Fault {
    const key = this.#key;
    if (key.kind === 'address') return known ?? policyOfAddress(key, profile);
    if (key.kind === 'ingress')
      return known ?? (profile && policyOfProfile(profile, key.port)) ?? new Fault('discovery-required', key.host);
    if (profile?.notExported) return new Fault('not-exported', targetText(key));
    const needed = profile && policyOfProfile(profile, key.port, 'gateway');
    if (!needed) return new Fault('bad-gateway-domain', `no profile for ${targetText(key)}`);
    // Only bytes are routed by policy; requests by the profile.
    return known ? { ...known, http1: needed.http1, http2: needed.http2 } : needed;
  }

  /** Routes or a split of a profile take the place of the policy's. */
  #overriding(profile: Profile | undefined): OverridingProfile | undefined {
    if (!profile || profile.fqn === '' || profile.routes.length + profile.overrides.length === 0) return undefined;
    return { profile, authority: `${profile.fqn}:${this.#key.port}`, budget: this.#budgetOf(profile) };
  }

  /** What a budget has left outlives updates that do not change it. */
  #budgetOf({ retryBudget }: Profile): RetryBudget | undefined {
    if (!retryBudget) return undefined;
    const text = JSON.stringify(retryBudget);
    if (this.#budget?.text !== text)
      this.#budget = { text, budget: new RetryBudget(retryBudget, this.#deps.clock.nowMs()) };
    return this.#budget.budget;
  }
}

function answered<T>(answer: Answer<T>): T | undefined {
  return answer.kind === 'value' ? answer.value : undefined;
}
