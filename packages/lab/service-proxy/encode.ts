import { MASQUERADE, type RuleSet } from './rules.ts';

/** The table's name; nothing else lives in it. */
export const TABLE = 'lab-services';

/** The table's chains that do not depend on Services. */
function baseChains(serviceCidr: string): Map<string, readonly string[]> {
  const refuseUnknown = [
    'ct state new ip daddr . meta l4proto . th dport vmap @refused',
    `ct state new ip daddr ${serviceCidr} goto refuse`,
  ];
  return new Map([
    ['refuse', ['meta l4proto tcp reject with tcp reset', 'reject']],
    [
      'services',
      [
        'ip daddr . meta l4proto . th dport vmap @vips',
        'fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @nodeports',
      ],
    ],
    // Before addresses are translated.
    ['guard', ['ip daddr . meta l4proto . th dport vmap @guarded']],
    ['guard-in', ['type filter hook prerouting priority -110', 'jump guard']],
    ['guard-out', ['type filter hook output priority -110', 'jump guard']],
    ['prerouting', ['type nat hook prerouting priority -100', 'jump services']],
    ['output', ['type nat hook output priority -100', 'jump services']],
    [
      'postrouting',
      [
        'type nat hook postrouting priority 100',
        `meta mark & ${MASQUERADE} == ${MASQUERADE} masquerade`,
        'ip saddr . ip daddr @hairpins masquerade',
      ],
    ],
    ['forward', ['type filter hook forward priority 0', ...refuseUnknown]],
    ['local-out', ['type filter hook output priority 0', ...refuseUnknown]],
    [
      'local-in',
      [
        'type filter hook input priority 0',
        'ct state new fib daddr type local meta l4proto . th dport vmap @refused-nodeports',
      ],
    ],
  ]);
}

const elements = (list: readonly string[]): string => (list.length === 0 ? '' : ` elements = { ${list.join(', ')} };`);

/**
 * The nft script that brings a node from earlier rules to these in one transaction. The table is never dropped, so that clients
 * stay with their backends, and connections under way are not touched.
 */
export function encodeRules(rules: RuleSet, options: { serviceCidr: string; before: RuleSet | undefined }): string {
  const chains = new Map([...baseChains(options.serviceCidr), ...rules.chains]);
  const verdictMap = (name: string, type: string, list: readonly string[]): string =>
    `  map ${name} { type ${type} : verdict;${elements(list)} }`;
  const lines = [`add table ip ${TABLE}`];
  if (options.before === undefined) lines.push(`delete table ip ${TABLE}`, `add table ip ${TABLE}`);
  else
    lines.push(
      `flush table ip ${TABLE}`,
      ...['vips', 'nodeports', 'refused', 'refused-nodeports', 'guarded'].map(
        (name) => `flush map ip ${TABLE} ${name}`,
      ),
      `flush set ip ${TABLE} hairpins`,
    );
  lines.push(
    `table ip ${TABLE} {`,
    verdictMap('vips', 'ipv4_addr . inet_proto . inet_service', rules.vips),
    verdictMap('nodeports', 'inet_proto . inet_service', rules.nodePorts),
    verdictMap('refused', 'ipv4_addr . inet_proto . inet_service', rules.refused),
    verdictMap('refused-nodeports', 'inet_proto . inet_service', rules.refusedNodePorts),
    verdictMap('guarded', 'ipv4_addr . inet_proto . inet_service', rules.guarded),
    `  set hairpins { type ipv4_addr . ipv4_addr;${elements(rules.hairpins)} }`,
    ...[...rules.affinities].map(([name]) => `  set ${name} { type ipv4_addr; flags dynamic,timeout; }`),
    ...[...chains].map(([name, body]) => `  chain ${name} {\n${body.map((rule) => `    ${rule};\n`).join('')}  }`),
    '}',
  );
  for (const name of options.before?.chains.keys() ?? [])
    if (!rules.chains.has(name)) lines.push(`delete chain ip ${TABLE} ${name}`);
  for (const name of options.before?.affinities.keys() ?? [])
    if (!rules.affinities.has(name)) lines.push(`delete set ip ${TABLE} ${name}`);
  return `${lines.join('\n')}\n`;
}
