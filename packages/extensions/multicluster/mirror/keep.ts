import { MIRROR } from './names.ts';
import type { LocalView, Problem } from './reconcile.ts';
import { agrees, type Change, type ObservedService, type ServicePort, serviceKey, serviceObject } from './service.ts';

/** A local Service as a Link wants it. */
export interface WantedMirror {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  ports: readonly ServicePort[];
  headless: boolean;
}

/** What is to be done, or why nothing can be. Without both it stands as wanted. */
export interface Kept {
  change?: Change;
  problem?: Problem;
}

/** Names of Services are DNS labels. */
const NAME_CHARS_MAX = 63;

/** Brings one mirror to what is wanted. What is not this cluster's mirror is never touched. */
export function keepMirror(wanted: WantedMirror, cluster: string, local: LocalView): Kept {
  const { name, namespace, labels, annotations, ports, headless } = wanted;
  if (!local.namespaces.has(namespace))
    return { problem: { reason: 'MissingNamespace', message: 'Namespace does not exist' } };
  if (name.length > NAME_CHARS_MAX)
    return refused(`the name ${name} would have ${name.length} characters, and ${NAME_CHARS_MAX} is the most`);
  const existing = local.services.get(serviceKey(namespace, name));
  const metadata = { name, namespace, labels, annotations };
  if (!existing) return { change: { do: 'create', service: serviceObject(metadata, ports, headless) } };
  if (!isMirrorOf(existing, cluster)) return refused(`Service ${namespace}/${name} exists and is not ours to change`);
  if (existing.labels[MIRROR.headlessMirror] !== labels[MIRROR.headlessMirror])
    return refused(`Service ${namespace}/${name} exists and mirrors something else`);
  const { resourceVersion } = existing;
  // Whether a Service has an address of its own cannot be changed: it is made anew as soon as this one is gone.
  if (existing.headless !== headless) return { change: { do: 'delete', name, namespace, resourceVersion } };
  if (agrees(existing, wanted)) return {};
  return { change: { do: 'update', service: serviceObject({ ...metadata, resourceVersion }, ports, headless) } };
}

/** Whether a Service is a mirror that this cluster's Link made. */
export const isMirrorOf = (object: Pick<ObservedService, 'labels'>, cluster: string): boolean =>
  object.labels[MIRROR.mirroredService] === 'true' && object.labels[MIRROR.clusterName] === cluster;

const refused = (message: string): Kept => ({
  problem: { reason: 'Error', message: `Failed to create mirror service: ${message}`, skipped: true },
});
