import { encodeTcpAddress } from '#api/mesh';

/** What discovery sends of three meshed pods, about 600 bytes; `round` makes one differ from the other. */
export function endpointsUpdate(round: number) {
  const pod = (index: number) => ({
    addr: encodeTcpAddress(`10.42.${round % 250}.${index + 1}`, 8080)!,
    weight: 10_000,
    metricLabels: { pod: `web-6d8f5c7b9d-x${index}`, deployment: 'web', pod_template_hash: '6d8f5c7b9d' },
    tlsIdentity: {
      strategy: {
        case: 'dnsLikeIdentity' as const,
        value: { name: 'web.shop.serviceaccount.identity.linkerd.cluster.local' },
      },
      serverName: { name: 'web.shop.serviceaccount.identity.linkerd.cluster.local' },
    },
    protocolHint: { opaqueTransport: { inboundPort: 4143 } },
  });
  return {
    update: {
      case: 'add' as const,
      value: { addrs: [pod(0), pod(1), pod(2)], metricLabels: { namespace: 'shop', service: 'web' } },
    },
  };
}
