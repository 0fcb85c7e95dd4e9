import type { MirrorOutcome } from '../link/index.ts';
import { copyAnnotations, copyLabels } from './copy.ts';
import { MIRROR, mirrorName } from './names.ts';
import type { LinkSettings, LocalView } from './reconcile.ts';
import { agrees, type Change, type ObservedService, serviceKey, serviceObject } from './service.ts';

/** A flat mirror: `web` of cluster east becomes `web-east`, without endpoints; destination asks east itself. */
export function reconcileFlat(
  remote: ObservedService,
  link: LinkSettings,
  local: LocalView,
): { outcome: MirrorOutcome; change?: Change } {
  const { namespace } = remote;
  const name = mirrorName(remote.name, link.cluster);
  const say = (reason: MirrorOutcome['reason'], message: string): { outcome: MirrorOutcome } => ({
    outcome: { namespace, name: remote.name, reason, message },
  });
  if (!local.namespaces.has(namespace)) return say('MissingNamespace', 'Namespace does not exist');
  const existing = local.services.get(serviceKey(namespace, name));
  if (existing && !isMirrorOf(existing, link.cluster))
    return say(
      'Error',
      `Failed to create mirror service: Service ${namespace}/${name} exists and is not ours to change`,
    );
  const wanted = mirrorMetadata(remote, link);
  const outcome: MirrorOutcome = { namespace, name: remote.name, reason: 'Mirrored', message: '', localName: name };
  if (!existing)
    return { outcome, change: { do: 'create', service: serviceObject({ name, namespace, ...wanted }, remote.ports) } };
  if (agrees(existing, { ...wanted, ports: remote.ports })) return { outcome };
  const { resourceVersion } = existing;
  const service = serviceObject({ name, namespace, resourceVersion, ...wanted }, remote.ports);
  return { outcome, change: { do: 'update', service } };
}

/** Whether a Service is a mirror that this cluster's Link made. */
export const isMirrorOf = (service: ObservedService, cluster: string): boolean =>
  service.labels[MIRROR.mirroredService] === 'true' && service.labels[MIRROR.clusterName] === cluster;

function mirrorMetadata(remote: ObservedService, link: LinkSettings) {
  const { cluster, clusterDomain, excludedLabels, excludedAnnotations } = link;
  return {
    labels: {
      ...copyLabels(remote.labels, excludedLabels),
      [MIRROR.clusterName]: cluster,
      [MIRROR.remoteDiscovery]: cluster,
      [MIRROR.remoteService]: remote.name,
    },
    annotations: {
      ...copyAnnotations(remote.annotations, excludedAnnotations),
      [MIRROR.resourceVersion]: remote.resourceVersion,
      [MIRROR.fqName]: `${remote.name}.${remote.namespace}.svc.${clusterDomain}`,
    },
  };
}
