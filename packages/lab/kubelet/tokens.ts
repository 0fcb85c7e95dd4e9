import type { Clock } from '#runtime/clock';
import { LIMITS } from './limits.ts';
import type { BoundPod } from './types.ts';

/** How the kubelet gets tokens for a pod: TokenRequest, bound to the pod. */
export type RequestToken = (request: {
  namespace: string;
  serviceAccount: string;
  /** Empty: the API server's own audience. */
  audiences: readonly string[];
  expirationSeconds: number;
  boundPod: { name: string; uid: string };
}) => Promise<{ token: string; expiresAtMs: number }>;

const DEFAULT_SECONDS = 3600;

interface Entry {
  token: string;
  expiresAtMs: number;
  renewAtMs: number;
}

/** Tokens in use, renewed once 80 % of their life is over. A failed renewal keeps the old token until it expires. */
export class TokenCache {
  private readonly request: RequestToken;
  private readonly clock: Clock;
  private readonly entries = new Map<string, Entry>();

  constructor(request: RequestToken, clock: Clock) {
    this.request = request;
    this.clock = clock;
  }

  async token(pod: BoundPod, options: { audience?: string; expirationSeconds?: number }): Promise<string> {
    const uid = pod.metadata.uid ?? '';
    const seconds = options.expirationSeconds ?? DEFAULT_SECONDS;
    const key = `${uid}\0${options.audience ?? ''}\0${seconds}`;
    const nowMs = this.clock.wallMs();
    const known = this.entries.get(key);
    if (known && nowMs < known.renewAtMs) return known.token;
    try {
      const fresh = await this.request({
        namespace: pod.metadata.namespace ?? '',
        serviceAccount: pod.spec.serviceAccountName || 'default',
        audiences: options.audience ? [options.audience] : [],
        expirationSeconds: seconds,
        boundPod: { name: pod.metadata.name ?? '', uid },
      });
      const renewAtMs = nowMs + (fresh.expiresAtMs - nowMs) * LIMITS.tokenRenewAt;
      this.entries.set(key, { ...fresh, renewAtMs });
      return fresh.token;
    } catch (error) {
      if (known && nowMs < known.expiresAtMs) return known.token;
      throw error;
    }
  }

  /** Whether a token of the pod should be renewed by now. */
  isDue(podUid: string): boolean {
    const nowMs = this.clock.wallMs();
    for (const [key, entry] of this.entries) if (key.startsWith(`${podUid}\0`) && nowMs >= entry.renewAtMs) return true;
    return false;
  }

  forget(podUid: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(`${podUid}\0`)) this.entries.delete(key);
  }
}
