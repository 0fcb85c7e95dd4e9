import type { CaptureOptions, PortRange } from './options.ts';

/** Connections that come into the pod. */
export const INPUT_CHAIN = 'PROXY_INIT_REDIRECT';
/** Connections that the pod opens. */
export const OUTPUT_CHAIN = 'PROXY_INIT_OUTPUT';

/** iptables' module multiport takes this many ports; a range counts twice. */
const MULTIPORT_MAX = 15;

const comment = (text: string): string => `-m comment --comment "proxy-init/${text}"`;

/** The nat table for one address family, in the order in which rules apply; pure. */
export function captureTable(
  options: CaptureOptions,
  family: 4 | 6,
): { table: 'nat'; chains: string[]; rules: string[] } {
  return {
    table: 'nat',
    chains: [INPUT_CHAIN, OUTPUT_CHAIN],
    rules: [...inboundRules(options, family), ...outboundRules(options)],
  };
}

function inboundRules(options: CaptureOptions, family: 4 | 6): string[] {
  const add = `-A ${INPUT_CHAIN}`;
  const redirect = `-j REDIRECT --to-port ${options.incomingProxyPort}`;
  const subnets = options.subnetsToIgnore.filter((subnet) => subnet.includes(':') === (family === 6));
  const all = options.portsToRedirect.length === 0;
  return [
    ...ignorePorts(add, options.inboundPortsToIgnore),
    ...subnets.map((subnet) => `${add} -s ${subnet} ${comment(`ignore-subnet-${subnet}`)} -j RETURN`),
    ...(all
      ? [`${add} -p tcp ${comment('redirect-all-incoming-to-proxy-port')} ${redirect}`]
      : options.portsToRedirect.map(
          (range) =>
            `${add} -p tcp --destination-port ${ports(range)} ${comment(`redirect-port-${ports(range)}-to-proxy-port`)} ${redirect}`,
        )),
    `-A PREROUTING ${comment('install-proxy-init-prerouting')} -j ${INPUT_CHAIN}`,
  ];
}

function outboundRules(options: CaptureOptions): string[] {
  const add = `-A ${OUTPUT_CHAIN}`;
  const { proxyUid, proxyGid } = options;
  return [
    `${add} -m owner --uid-owner ${proxyUid} ${comment('ignore-proxy-user-id')} -j RETURN`,
    ...(proxyGid === undefined
      ? []
      : [`${add} -m owner --gid-owner ${proxyGid} ${comment('ignore-proxy-group-id')} -j RETURN`]),
    `${add} -o lo ${comment('ignore-loopback')} -j RETURN`,
    ...ignorePorts(add, options.outboundPortsToIgnore),
    `${add} -p tcp ${comment('redirect-all-outgoing-to-proxy-port')} -j REDIRECT --to-port ${options.outgoingProxyPort}`,
    `-A OUTPUT ${comment('install-proxy-init-output')} -j ${OUTPUT_CHAIN}`,
  ];
}

function ignorePorts(add: string, ranges: readonly PortRange[]): string[] {
  const groups: PortRange[][] = [];
  let room = 0;
  for (const range of ranges) {
    const size = range.from === range.to ? 1 : 2;
    if (room < size) {
      groups.push([]);
      room = MULTIPORT_MAX;
    }
    groups.at(-1)!.push(range);
    room -= size;
  }
  return groups.map((group) => {
    const text = group.map(ports).join(',');
    return `${add} -p tcp -m multiport --dports ${text} ${comment(`ignore-port-${text}`)} -j RETURN`;
  });
}

function ports({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}:${to}`;
}
