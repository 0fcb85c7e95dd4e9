/** WatchTrust: the trust roots and the issuer of today, told to proxies at once and after each change. */
import { createHash } from 'node:crypto';
import { identity as api } from '#api/mesh';
import type { ResponseStream } from '#runtime/grpc';
import { Answers, type Question } from '../fold/index.ts';
import type { Credentials } from './credentials.ts';

/** Certificates that are signed for a change of the issuer, per second: each costs a review of a token too. */
const RENEWALS_PER_SECOND = 100;
/** Few proxies need not hurry either. */
const RENEW_WITHIN_MS_MIN = 1_000;

type TrustStream = ResponseStream<typeof api.TrustSchema>;

export interface TrustDeps {
  credentials: Pick<Credentials, 'current' | 'roots' | 'onChange'>;
  /** A proxy began (1) or ceased (-1) to follow. */
  followers(change: 1 | -1): void;
  /** A change had to wait for a proxy, and was merged with the next. */
  coalesced(): void;
}

/** Serves streams of WatchTrust. */
export function createTrustStreams({ credentials, followers, coalesced }: TrustDeps): (stream: TrustStream) => void {
  const answers = new Answers(api.TrustSchema, coalesced);
  let count = 0;
  let changed = () => {};
  const question: Question<typeof api.TrustSchema> = {
    snapshot: () => ({
      roots: credentials.roots.map((root) => Uint8Array.from(root.raw)),
      issuerSha256: issuerSha256(credentials),
      renewWithinMs: renewWithinMs(count),
    }),
    follow: (listener) => {
      changed = listener;
      return [credentials.onChange(listener)];
    },
    observer: {
      subscribers(change) {
        const before = renewWithinMs(count);
        count += change;
        followers(change);
        if (renewWithinMs(count) > before) changed();
      },
      updated() {},
      stop() {},
    },
  };
  return (stream) => answers.serve('', () => question, stream);
}

/** Doubles with the number of proxies, so that they seldom have to be told of another. */
function renewWithinMs(proxies: number): number {
  let ms = RENEW_WITHIN_MS_MIN;
  while (ms < (proxies * 1000) / RENEWALS_PER_SECOND) ms *= 2;
  return ms;
}

function issuerSha256({ current }: Pick<Credentials, 'current'>): Uint8Array {
  const issuer = current?.chain[0];
  return issuer ? Uint8Array.from(createHash('sha256').update(issuer.raw).digest()) : new Uint8Array();
}
