import type { Link, MirrorOutcome } from '../link/index.ts';
import { LINKS } from '../link/index.ts';
import { type About, type EventDeps, type EventText, recordEvent } from './events.ts';
import { LIMITS } from './limits.ts';
import type { RemoteClient } from './remote-cluster.ts';

/** Tells operators of both clusters what they would otherwise have to look for: events on the Link here, on Services there. */
export class Announcer {
  readonly #deps: EventDeps & { client: Pick<RemoteClient, 'create'> };
  /** What was told, until it is so no more. */
  readonly #told = new Set<string>();

  constructor(deps: EventDeps & { client: Pick<RemoteClient, 'create'> }) {
    this.#deps = deps;
  }

  /** Each Service that is left out, once for each reason. */
  skipped(link: Link, outcomes: readonly MirrorOutcome[], remote: Pick<RemoteClient, 'create'> | undefined): void {
    const skipped = outcomes.filter((outcome) => outcome.skipped || SKIPPED.has(outcome.reason));
    const keys = new Set(skipped.map(keyOf));
    for (const key of this.#told) if (!keys.has(key)) this.#told.delete(key);
    let told = 0;
    for (const outcome of skipped) {
      const key = keyOf(outcome);
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      told += 1;
      const { namespace, name } = outcome;
      const message = `Skipped mirroring service ${namespace}/${name}: ${whyOf(outcome)}`;
      this.#deps.log.warn(message);
      if (told > LIMITS.eventsAtOnce) continue;
      const text: EventText = { type: 'Normal', reason: 'ServiceMirroringSkipped', message };
      recordEvent(this.#deps.client, aboutLink(link), text, this.#deps);
      if (remote) recordEvent(remote, { apiVersion: 'v1', kind: 'Service', name, namespace }, text, this.#deps);
    }
  }

  /** The gateway was found to live, or not to. */
  gateway(link: Link, alive: boolean, reason: string): void {
    const message = alive ? 'The gateway answers probes' : `The gateway is not used: ${reason}`;
    const text: EventText = alive
      ? { type: 'Normal', reason: 'GatewayAlive', message }
      : { type: 'Warning', reason: 'GatewayNotAlive', message };
    if (alive) this.#deps.log.info(message);
    else this.#deps.log.warn(message);
    recordEvent(this.#deps.client, aboutLink(link), text, this.#deps);
  }
  /** An event beside the Link. */
  tell(link: Link, text: EventText): void {
    recordEvent(this.#deps.client, aboutLink(link), text, this.#deps);
  }
}

const SKIPPED = new Set<MirrorOutcome['reason']>(['MissingNamespace', 'InvalidService']);
const keyOf = ({ namespace, name, reason, message }: MirrorOutcome): string =>
  [namespace, name, reason, message].join('\n');

/** Messages of conditions begin with a capital, and this stands inside of a sentence. */
function whyOf({ reason, message }: MirrorOutcome): string {
  if (reason === 'MissingNamespace') return 'namespace does not exist';
  return message
    .replace(/^Failed to create mirror service: /, '')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

const aboutLink = ({ metadata: { name = '', namespace = '', uid } }: Link): About => ({
  apiVersion: `${LINKS.group}/${LINKS.version}`,
  kind: 'Link',
  name,
  namespace,
  ...(uid !== undefined && { uid }),
});
