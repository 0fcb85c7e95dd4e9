/** What routes of this mesh are attached to, and when they cannot be. */
import type { InboundView } from './inbound/index.ts';
import type { EgressNetworks, Services } from './outbound/index.ts';
import type { ParentProblem } from './routes/index.ts';

/** Looks parents up in what is known of the cluster. */
export function parentProblemIn(
  view: Pick<InboundView, 'server'>,
  services: Pick<Services, 'get'>,
  egress: Pick<EgressNetworks, 'get' | 'accepts'>,
): ParentProblem {
  return (kind, key) => {
    switch (kind) {
      case 'server':
        return view.server(key) ? undefined : `Server not found ${key}`;
      case 'service': {
        const service = services.get(key);
        if (!service) return `Service not found ${key}`;
        return service.hasClusterIp ? undefined : 'parent service must have a ClusterIP';
      }
      case 'egressnetwork': {
        const network = egress.get(key);
        if (!network) return `EgressNetwork not found ${key}`;
        return egress.accepts(network) ? undefined : 'EgressNetwork parent has not been accepted';
      }
    }
  };
}
