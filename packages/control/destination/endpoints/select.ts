/** Which endpoints of a service a client may use. */
import type { Endpoint, EndpointSet } from './service-endpoints.ts';

export interface Client {
  /** Empty: unknown. */
  nodeName: string;
  zone: string;
}

/**
 * Keeps the endpoints called `hostname`, where one is asked for. With `client`, also honours internalTrafficPolicy: Local, which
 * may leave none, and topology hints, which are ignored as soon as one endpoint lacks them or none is for the client's zone.
 * Without `client` (another cluster's endpoints) neither applies.
 */
export function selectEndpoints(
  set: EndpointSet,
  hostname: string | undefined,
  client: Client | undefined,
): readonly Endpoint[] {
  const named =
    hostname === undefined ? set.endpoints : set.endpoints.filter((endpoint) => endpoint.hostname === hostname);
  if (!client) return named;
  if (set.localTraffic) return named.filter((endpoint) => endpoint.nodeName === client.nodeName);
  if (named.some((endpoint) => !endpoint.hintZones || endpoint.hintZones.length === 0)) return named;
  const near = named.filter((endpoint) => endpoint.hintZones?.includes(client.zone));
  return near.length > 0 ? near : named;
}
