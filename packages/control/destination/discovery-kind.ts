/** Where the endpoints of a Service come from: its own cluster, another one, or a federation of several. */
import { ANNOTATION_KEYS, LABELS } from '#model/names';
import { GrpcError } from '#runtime/grpc';
import type { ServiceRecord } from './cluster/index.ts';

export type DiscoveryKind =
  | { kind: 'local' }
  | { kind: 'remote'; cluster: string; service: string }
  | { kind: 'federated'; local: string | undefined; remotes: readonly { cluster: string; service: string }[] };

/**
 * Reads a Service's discovery labels and annotations. Throws FAILED_PRECONDITION for a flat mirror that does not name its
 * Service.
 */
export function discoveryKindOf(service: ServiceRecord): DiscoveryKind {
  const remote = service.annotations[ANNOTATION_KEYS.remoteDiscovery];
  const local = service.annotations[ANNOTATION_KEYS.localDiscovery];
  if (remote || local) return { kind: 'federated', local: local || undefined, remotes: readRemotes(remote ?? '') };
  const cluster = service.labels[LABELS.remoteDiscovery];
  if (cluster === undefined) return { kind: 'local' };
  const name = service.labels[LABELS.remoteService];
  if (!name) throw new GrpcError('FAILED_PRECONDITION', `Service ${service.key} has no label ${LABELS.remoteService}`);
  return { kind: 'remote', cluster, service: name };
}

/** The same; undefined for a mirror that does not name its Service. */
export function knownKindOf(service: ServiceRecord): DiscoveryKind | undefined {
  try {
    return discoveryKindOf(service);
  } catch {
    return undefined; // who asks for it anew gets the error
  }
}

/** `bb@east,bb@north`. Entries of another form are left out. */
function readRemotes(text: string): { cluster: string; service: string }[] {
  return text.split(',').flatMap((entry) => {
    const [service = '', cluster = '', more] = entry.trim().split('@');
    return service && cluster && more === undefined ? [{ cluster, service }] : [];
  });
}
