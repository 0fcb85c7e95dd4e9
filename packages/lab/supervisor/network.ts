import { setSysctls } from '#net/netns';
import { applyNft } from '#net/nftables';
import { DELAY_MARK, DELAY_ROUTES } from '../faults/index.ts';
import { isolationScript } from './isolation.ts';
import { type LabPlan, type NodePlan, ROOT_ADDRESS } from './plan.ts';

/** The root's own network namespace has a name, too, for clusters that route their load balancers' addresses there. */
const ROOT_NAME = 'root';
/** Where processes of the lab find it. */
export const ROOT_NETNS = `/run/netns/${ROOT_NAME}`;
/** The lab's first process, as the lab counts. */
const FIRST_PID = 1;

/** Commands in the lab's root namespace: nodes, cables and routes to everything behind them. */
export function rootLines(plan: LabPlan): string[] {
  const lines = [
    'link set lo up',
    `addr add ${ROOT_ADDRESS}/32 dev lo`,
    `netns attach ${ROOT_NAME} ${FIRST_PID}`,
    // Leads nowhere, and packets on, until there is a delay line.
    `rule add pref 100 fwmark ${DELAY_MARK}/${DELAY_MARK} lookup ${DELAY_ROUTES}`,
  ];
  for (const cluster of plan.clusters)
    cluster.nodes.forEach((node, index) => {
      const { cable } = node;
      const shared = index === 0 ? [cluster.serviceCidr, cluster.loadBalancerCidr] : [];
      lines.push(
        `netns add ${node.netns}`,
        `link add ${cable} type veth peer name eth0 netns ${node.netns}`,
        `link set ${cable} up`,
        `route add ${node.ip}/32 dev ${cable} src ${ROOT_ADDRESS}`,
        ...[node.podCidr, ...shared].map(
          (cidr) => `route add ${cidr} via ${node.ip} dev ${cable} onlink src ${ROOT_ADDRESS}`,
        ),
      );
    });
  return lines;
}

/** Commands in a node's namespace: its address and the way out, by the lab's root. */
export function nodeLines(node: NodePlan): string[] {
  return [
    'link set lo up',
    `addr add ${node.ip}/32 dev eth0`,
    'link set eth0 up',
    `route add ${ROOT_ADDRESS} dev eth0 scope link src ${node.ip}`,
    `route add default via ${ROOT_ADDRESS} dev eth0 src ${node.ip}`,
    // What nobody has must not travel back and forth between node and root.
    `route add blackhole ${node.podCidr}`,
  ];
}

const ROUTER_SYSCTLS = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv6/conf/all/disable_ipv6': '0',
};

/** Connections, not only pairs of addresses, spread over the nodes of a load balancer's address. */
const ROOT_SYSCTLS = { 'net/ipv4/fib_multipath_hash_policy': '1' };

/** Builds the whole network inside the lab, which is entered by the pid of its first process. */
export async function buildNetwork(
  plan: LabPlan,
  rootPid: number,
  run: (lines: readonly string[], netns?: string) => Promise<void>,
): Promise<void> {
  await run(rootLines(plan));
  const rootNet = `/proc/${rootPid}/ns/net`;
  setSysctls(rootNet, { ...ROUTER_SYSCTLS, ...ROOT_SYSCTLS });
  if (plan.isIsolated) await applyNft(isolationScript(plan.clusters), rootNet);
  for (const { nodes } of plan.clusters)
    for (const node of nodes) {
      setSysctls(nodeNetFile(rootPid, node), ROUTER_SYSCTLS);
      await run(nodeLines(node), node.netns);
    }
}

/** A node's network namespace as a file that the host can open. */
export const nodeNetFile = (rootPid: number, node: NodePlan): string => `/proc/${rootPid}/root/run/netns/${node.netns}`;
