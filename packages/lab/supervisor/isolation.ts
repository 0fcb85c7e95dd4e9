import { DELAY_DEVICES } from '../faults/index.ts';
import { type ClusterPlan, territoryOf } from './plan.ts';

/**
 * The nft script that parts the clusters of an isolated lab: from one to another lead only nodes' addresses (API servers, node
 * ports) and load balancers'. Pods that go there do so under their node's address, as nobody outside could answer their own. Pure.
 */
export function isolationScript(clusters: readonly ClusterPlan[]): string {
  const all = clusters.map((cluster) => ({ cluster, own: territoryOf(cluster).cidrs.join(', ') }));
  const outward = all.map(({ own }) => `ip saddr { ${own} } ip daddr != { ${own} } jump foreign`);
  const everybody = all.map(({ own }) => own).join(', ');
  const open = clusters.flatMap(({ nodeCidr, loadBalancerCidr }) => [nodeCidr, loadBalancerCidr]).join(', ');
  const leaving = clusters.flatMap(({ nodes, podCidr, serviceCidr, nodeCidr, loadBalancerCidr }) =>
    nodes.map((node) => {
      const own = [podCidr, serviceCidr, nodeCidr, loadBalancerCidr].join(', ');
      return `ip saddr ${node.podCidr} ip daddr { ${open} } ip daddr != { ${own} } snat to ${node.ip}`;
    }),
  );
  return `table ip lab-isolation {
  chain foreign {
    ct state established,related accept;
    ip daddr { ${open} } accept;
    ip daddr { ${everybody} } reject with icmp type net-unreachable;
  }
  chain forward {
    type filter hook forward priority 0;
    oifname "${DELAY_DEVICES}*" accept;
${outward.map((rule) => `    ${rule};`).join('\n')}
  }
  chain leaving {
    type nat hook postrouting priority 100;
${leaving.map((rule) => `    ${rule};`).join('\n')}
  }
}
`;
}
