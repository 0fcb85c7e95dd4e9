import type { Finding } from '../link/index.ts';
import { type Expiry, expiryText, judgeExpiry, soonMs } from './expiry.ts';

/** What is known of the credentials of a Link. */
export interface CredentialsView {
  expiries: readonly Expiry[];
  /** Why the token could not be renewed when it was time to; undefined while nothing failed. */
  failure: string | undefined;
  /** A controller renews the token. */
  renewed: boolean;
}

/** What the Link's condition `CredentialsValid` says; `none` where nothing in them ends. */
export function credentialsFinding({ expiries, failure, renewed }: CredentialsView, nowMs: number): Finding | 'none' {
  const of = (judgement: string) => expiries.filter((expiry) => judgeExpiry(expiry, nowMs) === judgement);
  const say = (list: readonly Expiry[]) => list.map((expiry) => expiryText(expiry, nowMs)).join('; ');
  const over = of('over');
  if (over.length > 0) return { status: 'False', reason: 'Expired', message: sentence([say(over), failure]) };
  if (failure !== undefined)
    return { status: 'False', reason: 'RenewalFailed', message: sentence([failure, say(expiries)]) };
  const soon = of('soon');
  if (soon.length > 0) return { status: 'False', reason: 'ExpiringSoon', message: sentence([say(soon)]) };
  if (expiries.length === 0) return 'none';
  const message = sentence([say(expiries), renewed ? 'the token is renewed before' : undefined]);
  return { status: 'True', reason: 'Valid', message };
}

/** When the finding may be another although nothing else changed; undefined: never. */
export function nextChangeMs(expiries: readonly Expiry[], nowMs: number): number | undefined {
  const ahead = expiries.flatMap((expiry) => [soonMs(expiry), expiry.untilMs]).filter((ms) => ms > nowMs);
  return ahead.length > 0 ? Math.min(...ahead) : undefined;
}

/** Parts of a sentence, the first letter large. */
function sentence(parts: readonly (string | undefined)[]): string {
  const text = parts.filter(Boolean).join('; ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
