import { copyAnnotations, copyLabels } from './copy.ts';
import { keepMirror } from './keep.ts';
import { MIRROR, mirrorName } from './names.ts';
import { readPodNames } from './pod-names.ts';
import { type LinkSettings, type LocalView, type Mirrored, mirrored, type Problem } from './reconcile.ts';
import type { ObservedService } from './service.ts';

/** A name of something outside the remote cluster has no endpoints in it. */
export const externalName: Problem = { reason: 'InvalidService', message: 'ExternalName service cannot be mirrored' };

/**
 * A flat mirror: `web` of cluster east becomes `web-east`, without endpoints; destination asks east itself. A headless one whose pods
 * are to have names stays headless, and has them in EndpointSlices.
 */
export function reconcileFlat(remote: ObservedService, link: LinkSettings, local: LocalView): Mirrored {
  const { namespace, ports } = remote;
  const name = mirrorName(remote.name, link.cluster);
  const { labels, annotations } = mirrorMetadata(remote, link);
  const discovery = { [MIRROR.remoteDiscovery]: link.cluster, [MIRROR.remoteService]: remote.name };
  const podNames = readPodNames(remote);
  const headless = podNames.wanted;
  const wanted = { name, namespace, labels: { ...labels, ...discovery }, annotations, ports, headless };
  if (remote.external) return mirrored(remote, name, { problem: externalName });
  const { change, problem } = keepMirror(wanted, link.cluster, local);
  const found = mirrored(remote, name, { changes: change ? [change] : [], wanted: problem ? [] : [name], problem });
  return podNames.problem === undefined || problem
    ? found
    : { ...found, outcome: { ...found.outcome, message: podNames.problem } };
}

/** Labels and annotations that every mirror has, of whichever kind. */
export function mirrorMetadata(remote: ObservedService, link: LinkSettings) {
  const { cluster, clusterDomain, excludedLabels, excludedAnnotations } = link;
  return {
    labels: { ...copyLabels(remote.labels, excludedLabels), [MIRROR.clusterName]: cluster },
    annotations: {
      ...copyAnnotations(remote.annotations, excludedAnnotations),
      [MIRROR.resourceVersion]: remote.resourceVersion,
      [MIRROR.fqName]: `${remote.name}.${remote.namespace}.svc.${clusterDomain}`,
    },
  };
}
