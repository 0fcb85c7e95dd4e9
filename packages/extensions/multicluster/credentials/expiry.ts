import { X509Certificate } from 'node:crypto';
import { parseKubeConfig, resolveContext } from '#kube/config';
import { readToken } from './token.ts';

/** Something in a kubeconfig that ends. */
export interface Expiry {
  what: 'token' | 'client certificate' | 'certificate authority';
  fromMs: number;
  untilMs: number;
}

export type Judgement = 'good' | 'soon' | 'over';

const DAY_MS = 86_400_000;
/** What is left of a life when it is time to worry: a share of it, and of long lives no more than so much. */
const SOON: Record<Expiry['what'], { share: number; maxMs: number }> = {
  token: { share: 0.2, maxMs: 7 * DAY_MS },
  'client certificate': { share: 1 / 3, maxMs: 60 * DAY_MS },
  'certificate authority': { share: 1 / 3, maxMs: 60 * DAY_MS },
};

export function judgeExpiry({ what, fromMs, untilMs }: Expiry, nowMs: number): Judgement {
  if (nowMs >= untilMs) return 'over';
  return nowMs >= soonMs({ what, fromMs, untilMs }) ? 'soon' : 'good';
}

/** From when on an end is near. */
export function soonMs({ what, fromMs, untilMs }: Expiry): number {
  const { share, maxMs } = SOON[what];
  return untilMs - Math.min(maxMs, (untilMs - fromMs) * share);
}

/** Of the current context, what ends. Throws when the text is no kubeconfig, or a certificate in it none. */
export function expiriesOf(kubeconfig: string): Expiry[] {
  const { user, cluster } = resolveContext(parseKubeConfig(kubeconfig, '/'));
  const found: Expiry[] = [];
  const token = user.token ? readToken(user.token) : undefined;
  if (token) found.push({ what: 'token', fromMs: token.issuedMs, untilMs: token.expiresMs });
  const [leaf] = certificates('client certificate', user['client-certificate-data']);
  if (leaf) found.push(leaf);
  // Of several authorities one may have ended while its successor stands.
  const authorities = certificates('certificate authority', cluster['certificate-authority-data']);
  const [last] = authorities.sort((a, b) => b.untilMs - a.untilMs);
  if (last) found.push(last);
  return found;
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function certificates(what: Expiry['what'], base64: string | undefined): Expiry[] {
  const blocks =
    Buffer.from(base64 ?? '', 'base64')
      .toString('utf8')
      .match(PEM) ?? [];
  return blocks.map((block) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(block);
    } catch (error) {
      throw new Error(`the ${what} of the kubeconfig cannot be read: ${(error as Error).message}`);
    }
    return { what, fromMs: Date.parse(certificate.validFrom), untilMs: Date.parse(certificate.validTo) };
  });
}

const ended: Record<Judgement, string> = { good: 'is good until', soon: 'ends at', over: 'ended at' };

/** E.g. `the token is good until 2026-01-02T03:04:05Z`. */
export const expiryText = (expiry: Expiry, nowMs: number): string =>
  `the ${expiry.what} ${ended[judgeExpiry(expiry, nowMs)]} ${timeText(expiry.untilMs)}`;

/** RFC 3339 in whole seconds. */
export const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
