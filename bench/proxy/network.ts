/** The two namespaces and what a pod's init container does in each: TCP to the proxy, but not the proxy's own. */
import { run } from '#net/programs';
import { ipBatch } from '#net/routes';
import {
  ADMIN_PORT,
  CLIENT_IP,
  CLIENT_NS,
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
  ] as const) {
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
    await run('ip', ['netns', 'exec', namespace, 'iptables-restore'], { input: REDIRECTION });
  }
}

const REDIRECTION = `*nat
:PROXY_IN - [0:0]
:PROXY_OUT - [0:0]
-A PREROUTING -j PROXY_IN
-A PROXY_IN -p tcp -m multiport --dports 4190,${ADMIN_PORT},4567,4568,${PEER_PORTS} -j RETURN
-A PROXY_IN -p tcp -j REDIRECT --to-ports ${INBOUND_PORT}
-A OUTPUT -j PROXY_OUT
-A PROXY_OUT -m owner --uid-owner ${PROXY_UID} -j RETURN
-A PROXY_OUT -o lo -j RETURN
-A PROXY_OUT -p tcp -m multiport --dports 4567,4568,${PEER_PORTS} -j RETURN
-A PROXY_OUT -p tcp -j REDIRECT --to-ports ${OUTBOUND_PORT}
COMMIT
`;
