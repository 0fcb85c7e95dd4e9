/** Which endpoints of a service a client may use. */
import type { Feature } from '#api/mesh';
import type { Endpoint, EndpointSet } from './service-endpoints.ts';

/** The proxy that asks. */
export interface Client {
  /** Empty: unknown. */
  nodeName: string;
  zone: string;
  /** Fields beyond Linkerd's that it understands. */
  features: ReadonlySet<Feature>;
}

/**
 * Keeps the endpoints called `hostname`, where one is asked for. With `client`, also honours internalTrafficPolicy: Local, which
 * may leave none, and topology hints, which are ignored as soon as one endpoint lacks them or none is for the client's zone.
 * Without `client` (another cluster's endpoints) neither applies.
 */
export function selectEndpoints(
  set: EndpointSet,
  hostname: string | undefined,
  client: Pick<Client, 'nodeName' | 'zone'> | undefined,
): readonly Endpoint[] {
  const named =
    hostname === undefined ? set.endpoints : set.endpoints.filter((endpoint) => endpoint.hostname === hostname);
  if (!client) return named;
  if (set.localTraffic) return named.filter((endpoint) => endpoint.nodeName === client.nodeName);
  if (named.some((endpoint) => !endpoint.hintZones || endpoint.hintZones.length === 0)) return named;
  const near = named.filter((endpoint) => endpoint.hintZones?.includes(client.zone));
  return near.length > 0 ? near : named;
}
