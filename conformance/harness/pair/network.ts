/** The two namespaces and the cable between them; and what a pod's init container does in each. */
import { run } from '#net/programs';
import { ipBatch } from '#net/routes';
import {
  ADMIN_PORT,
  CLIENT_IP,
  CLIENT_NS,
  DIRECT_PORTS,
  INBOUND_PORT,
  OUTBOUND_PORT,
  PEER_PORTS,
  PROXY_UID,
  SERVER_IP,
  SERVER_NS,
} from './addresses.ts';

/** Needs a private /run, and to be alone in its network namespace. */
export async function setUpNetwork(): Promise<void> {
  await ipBatch([
    'link set lo up',
    `netns add ${CLIENT_NS}`,
    `netns add ${SERVER_NS}`,
    `link add veth0 netns ${CLIENT_NS} type veth peer name veth0 netns ${SERVER_NS}`,
  ]);
  for (const [namespace, own, other] of [
    [CLIENT_NS, CLIENT_IP, SERVER_IP],
    [SERVER_NS, SERVER_IP, CLIENT_IP],
  ] as const)
    await ipBatch(
      [
        'link set lo up',
        'link set veth0 up',
        `address add ${own}/24 dev veth0`,
        // Service addresses need some route, so that packets to them reach the OUTPUT chain.
        `route add default via ${other}`,
      ],
      { namespace },
    );
}

/**
 * Redirects connections to the proxies, by `weft init`. Those from the client's side to {@link DIRECT_PORTS} meet the inbound proxy
 * only.
 */
export async function captureTraffic(weft: readonly string[]): Promise<void> {
  const own = ['--incoming-proxy-port', INBOUND_PORT, '--outgoing-proxy-port', OUTBOUND_PORT, '--proxy-uid', PROXY_UID];
  const inbound = ['--inbound-ports-to-ignore', `4190,${ADMIN_PORT},4567,4568,${PEER_PORTS}`];
  const outbound = ['--outbound-ports-to-ignore', `4567,4568,${DIRECT_PORTS},${PEER_PORTS}`];
  const init = [...weft, 'init', ...[...own, ...inbound, ...outbound].map(String)];
  for (const namespace of [CLIENT_NS, SERVER_NS]) await run('ip', ['netns', 'exec', namespace, ...init]);
}
