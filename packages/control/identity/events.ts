/** Kubernetes events about certificates. They are best effort: a failure is logged and nothing waits for one. */
import type { Gvr, KubeObject } from '#api/kube';
import type { KubeClient } from '#kube/client';
import type { Log } from '#runtime/log';

export interface IdentityEvents {
  issued(identity: string, until: Date, sha256: string): void;
  issuerUpdated(): void;
  issuerSkipped(reason: string): void;
  /** So many trust roots count from now on. */
  rootsUpdated(count: number): void;
  rootsSkipped(reason: string): void;
  issuerInvalid(reason: string): void;
}

const EVENTS: Gvr = { group: '', version: 'v1', resource: 'events' };
/** Events under way at once; further ones are dropped: they tell, they do not count. */
const PENDING_MAX = 32;

/** Writes events to the API server and lines to the log. */
export function createEvents(
  kube: Pick<KubeClient, 'create'>,
  controlPlaneNamespace: string,
  log: Log,
  wallMs: () => number,
): IdentityEvents {
  let pending = 0;
  const controller = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'linkerd-identity',
    namespace: controlPlaneNamespace,
  };
  const record = (type: 'Normal' | 'Warning', reason: string, message: string, about: typeof controller) => {
    if (pending >= PENDING_MAX) return;
    pending += 1;
    const time = new Date(wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${about.name}.`, namespace: about.namespace },
      involvedObject: about,
      type,
      reason,
      message,
      source: { component: 'linkerd-identity' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    } as KubeObject;
    kube
      .create(EVENTS, event)
      .catch((error: Error) => log.debug('cannot record an event', { reason, error: error.message }))
      .finally(() => {
        pending -= 1;
      });
  };
  return {
    issued(identity, until, sha256) {
      const [name = '', namespace = ''] = identity.split('.');
      const message = `issued certificate for ${identity} until ${until.toISOString()}: ${sha256}`;
      log.info(message);
      record('Normal', 'IssuedLeafCertificate', message, { apiVersion: 'v1', kind: 'ServiceAccount', name, namespace });
    },
    issuerUpdated() {
      log.info('updated the issuer certificate');
      record('Normal', 'IssuerUpdated', 'the issuer certificate was updated', controller);
    },
    issuerSkipped(reason) {
      log.warn('skipped a new issuer certificate; the old one stays in use', { reason });
      record(
        'Warning',
        'IssuerUpdateSkipped',
        `the new issuer cannot be used, the old one stays: ${reason}`,
        controller,
      );
    },
    rootsUpdated(count) {
      log.info('updated the trust roots', { count });
      record('Normal', 'TrustRootsUpdated', `the trust roots were updated; there are ${count} now`, controller);
    },
    rootsSkipped(reason) {
      log.warn('skipped new trust roots; the old ones stay in use', { reason });
      record(
        'Warning',
        'TrustRootsUpdateSkipped',
        `the new trust roots cannot be used, the old ones stay: ${reason}`,
        controller,
      );
    },
    issuerInvalid(reason) {
      log.error('the issuer certificate is not valid', { reason });
      record('Warning', 'IssuerValidationFailed', reason, controller);
    },
  };
}
