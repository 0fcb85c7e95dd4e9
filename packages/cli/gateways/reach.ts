import type { KubeObject } from '#api/kube';
import { exportedBy } from '#control/gateways';
import { type LinkSpec, MIRROR, selects } from '#extensions/multicluster';
import { ANNOTATIONS } from '#model/annotations';

/** By what a gateway's Service says who it is. */
export const GATEWAY_IDENTITY = 'mirror.linkerd.io/gateway-identity';

/** Services that a Link takes through a gateway that will refuse them. */
export interface Refused {
  /** What the gateway reaches, in words. */
  reaches: string;
  /** `namespace/name` of the gateway's Service. */
  gateway: string;
  /** `namespace/name`, sorted. */
  names: string[];
}

const nameOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

/**
 * What of these Services a Link would mirror through the gateway, and the gateway not reach, as its Service has it. What is mirrored flat,
 * or a mirror itself, does not go through it.
 */
export function refusedBy(gateway: KubeObject, spec: LinkSpec, services: readonly KubeObject[]): Refused {
  const selector = gateway.metadata.annotations?.[ANNOTATIONS.gatewayServices.key];
  const reaches = exportedBy(selector);
  const refused = services.filter(({ metadata: { labels = {} } }) => {
    const goesThrough = selects(spec.selector, labels) && !selects(spec.remoteDiscoverySelector, labels);
    return goesThrough && labels[MIRROR.mirroredService] === undefined && !reaches(labels);
  });
  const words = selector?.trim() ? `only Services with ${selector}` : 'no Service, as its selector is empty';
  return { reaches: words, gateway: nameOf(gateway), names: refused.map(nameOf).sort() };
}

/**
 * The same in a linked cluster, whose gateway is known by its identity alone. Undefined where that is no gateway, or several that do not
 * reach the same.
 */
export function refusedIn(services: readonly KubeObject[], spec: LinkSpec): Refused | undefined {
  if (!spec.gatewayAddress || !spec.gatewayIdentity) return undefined;
  const gateways = services.filter(
    ({ metadata: { annotations } }) => annotations?.[GATEWAY_IDENTITY] === spec.gatewayIdentity,
  );
  const said = new Set(gateways.map(({ metadata }) => metadata.annotations?.[ANNOTATIONS.gatewayServices.key]));
  const [gateway] = gateways;
  return gateway && said.size === 1 ? refusedBy(gateway, spec, services) : undefined;
}
