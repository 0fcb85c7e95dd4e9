import { type Command, Option } from 'commander';
import { parsePortList, parseQuantity } from '#model/annotations';
import { DEFAULT_POLICIES } from '#model/policy';
import { UserError } from '../context.ts';
import { refusals, type Values } from '../manifests/index.ts';

/** Who takes a flag: only `install`, or `upgrade`, too. */
export type FlagScope = 'install' | 'upgrade';

interface FlagRow {
  /** As commander reads it: `--proxy-uid <uid>`; without a value it is a switch. */
  flag: string;
  doc: string;
  scope?: 'install';
  /** An older spelling that help does not show. */
  hidden?: boolean;
  choices?: readonly string[];
  set(values: Values, text: string, flag: string): void;
}

/** Of controllers and of the CNI plug-in. */
export const LOG_LEVELS: readonly string[] = ['panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const INBOUND_POLICIES = Object.keys(DEFAULT_POLICIES).sort();

/** Flag -> value, in the order in which they are applied. */
const ROWS: readonly FlagRow[] = [
  {
    flag: '--cluster-domain <domain>',
    doc: 'DNS domain of the cluster',
    scope: 'install',
    set: (values, text) => {
      values.clusterDomain = text;
    },
  },
  {
    flag: '--identity-trust-domain <domain>',
    doc: 'Domain that identities end with (default: the cluster domain)',
    scope: 'install',
    set: (values, text) => {
      values.identityTrustDomain = text;
    },
  },
  {
    flag: '--identity-external-issuer',
    doc: 'The issuer comes from a Secret made by somebody else',
    scope: 'install',
    set: (values) => {
      values.identity.issuer.scheme = 'kubernetes.io/tls';
    },
  },
  {
    flag: '--identity-external-ca',
    doc: 'ConfigMap linkerd-identity-trust-roots is made by somebody else',
    scope: 'install',
    set: (values) => {
      values.identity.externalCA = true;
    },
  },
  {
    flag: '--identity-issuance-lifetime <duration>',
    doc: "Life of a proxy's certificate",
    set: (values, text, flag) => {
      values.identity.issuer.issuanceLifetime = duration(text, flag);
    },
  },
  {
    flag: '--identity-clock-skew-allowance <duration>',
    doc: 'How far clocks may be apart',
    set: (values, text, flag) => {
      values.identity.issuer.clockSkewAllowance = duration(text, flag);
    },
  },
  {
    flag: '--registry <registry>',
    doc: 'Registry of the images (default: $LINKERD_DOCKER_REGISTRY)',
    set: (values, text) => {
      values.controllerImage = `${text}/controller`;
      values.proxy.image.name = `${text}/proxy`;
      values.debugContainer.image.name = `${text}/debug`;
    },
  },
  {
    flag: '--controller-log-level <level>',
    doc: 'Log level of the controllers',
    choices: LOG_LEVELS,
    set: (values, text) => {
      values.controllerLogLevel = values.policyController.logLevel = text;
    },
  },
  {
    flag: '--controller-replicas <count>',
    doc: 'Replicas of each controller',
    set: (values, text, flag) => {
      values.controllerReplicas = whole(text, flag, 1);
    },
  },
  {
    flag: '--controller-uid <uid>',
    doc: 'User that the controllers run as',
    set: (values, text, flag) => {
      values.controllerUID = whole(text, flag, 0);
    },
  },
  {
    flag: '--controller-gid <gid>',
    doc: 'Group that the controllers run as; -1: the image decides',
    set: (values, text, flag) => {
      values.controllerGID = whole(text, flag, -1);
    },
  },
  {
    flag: '--disable-h2-upgrade',
    doc: 'Do not carry HTTP/1 between meshed pods as HTTP/2',
    set: (values) => {
      values.enableH2Upgrade = false;
    },
  },
  { flag: '--disable-heartbeat', doc: 'There is no heartbeat; accepted for compatibility', set: () => {} },
  {
    flag: '--enable-endpoint-slices [truth]',
    doc: 'EndpointSlices are always used; accepted for compatibility',
    set: (values, text, flag) => {
      values.enableEndpointSlices = truth(text, flag);
    },
  },
  {
    flag: '--linkerd-cni-enabled',
    doc: 'The CNI plug-in redirects traffic',
    set: (values) => {
      values.cniEnabled = true;
    },
  },
  {
    flag: '--proxy-image <image>',
    doc: 'Image of the proxy',
    set: (values, text) => {
      values.proxy.image.name = text;
    },
  },
  {
    flag: '-v, --proxy-version <version>',
    doc: '',
    hidden: true,
    set: (values, text) => {
      values.proxy.image.version = text;
    },
  },
  {
    flag: '--image-pull-policy <policy>',
    doc: 'When nodes pull images',
    choices: PULL_POLICIES,
    set: (values, text) => {
      values.imagePullPolicy = values.proxy.image.pullPolicy = values.debugContainer.image.pullPolicy = text;
    },
  },
  ...(['inbound', 'outbound', 'control', 'admin'] as const).map(
    (name): FlagRow => ({
      flag: `--${name}-port <port>`,
      doc: `Port of the proxy: ${name}`,
      set: (values, text, flag) => {
        values.proxy.ports[name] = whole(text, flag, 1, 65_535);
      },
    }),
  ),
  {
    flag: '--skip-inbound-ports <ports>',
    doc: 'Ports and ranges that clients reach without the proxy',
    set: (values, text, flag) => {
      values.proxyInit.ignoreInboundPorts = ports(text, flag);
    },
  },
  {
    flag: '--skip-outbound-ports <ports>',
    doc: 'Ports and ranges that applications reach without the proxy',
    set: (values, text, flag) => {
      values.proxyInit.ignoreOutboundPorts = ports(text, flag);
    },
  },
  {
    flag: '--proxy-uid <uid>',
    doc: 'User that the proxy runs as',
    set: (values, text, flag) => {
      values.proxy.uid = whole(text, flag, 0);
    },
  },
  {
    flag: '--proxy-gid <gid>',
    doc: 'Group that the proxy runs as; -1: the image decides',
    set: (values, text, flag) => {
      values.proxy.gid = whole(text, flag, -1);
    },
  },
  {
    flag: '--proxy-log-level <level>',
    doc: "Filter of the proxies' log",
    set: (values, text) => {
      values.proxy.logLevel = text;
    },
  },
  resource('--proxy-cpu <amount>', 'cpu', 'request', true),
  resource('--proxy-memory <amount>', 'memory', 'request', true),
  resource('--proxy-cpu-request <amount>', 'cpu', 'request'),
  resource('--proxy-cpu-limit <amount>', 'cpu', 'limit'),
  resource('--proxy-memory-request <amount>', 'memory', 'request'),
  resource('--proxy-memory-limit <amount>', 'memory', 'limit'),
  {
    flag: '--enable-external-profiles',
    doc: 'Look ServiceProfiles up for names outside of the cluster, too',
    set: (values) => {
      values.proxy.enableExternalProfiles = true;
    },
  },
  {
    flag: '--default-inbound-policy <policy>',
    doc: 'Who may connect to meshed pods',
    choices: INBOUND_POLICIES,
    set: (values, text) => {
      values.proxy.defaultInboundPolicy = text;
    },
  },
];

function resource(flag: string, kind: 'cpu' | 'memory', bound: 'request' | 'limit', hidden = false): FlagRow {
  return {
    flag,
    doc: `${kind === 'cpu' ? 'CPU' : 'Memory'} ${bound} of the proxy`,
    hidden,
    set: (values, text, name) => {
      if (parseQuantity(text) === undefined)
        throw new UserError(`${name}: expected an amount such as 100m or 20Mi, got "${text}"`);
      values.proxy.resources[kind][bound] = text;
    },
  };
}

const optionOf = (row: FlagRow): Option => {
  const option = new Option(row.flag, row.doc).hideHelp(row.hidden ?? false);
  return row.choices ? option.choices(row.choices) : option;
};

/** Adds `--ha` and the flags of {@link FlagScope}. */
export function addSettingFlags(command: Command, scope: FlagScope): void {
  command.option('--ha', 'Render a control plane that survives the loss of a node');
  for (const row of ROWS) if (scope === 'install' || row.scope === undefined) command.addOption(optionOf(row));
}

/** Lays the flags that were given over the values. Throws what a flag was expected to be. */
export function applySettings(values: Values, given: Readonly<Record<string, unknown>>): void {
  for (const row of ROWS) {
    const option = optionOf(row);
    const value = given[option.attributeName()];
    if (value !== undefined) row.set(values, value === true ? 'true' : String(value), option.long ?? row.flag);
  }
}

/** Throws the first reason why these values cannot be installed. */
export function refuse(values: Values): void {
  const { cpu, memory } = values.proxy.resources;
  for (const [name, { limit, request }] of Object.entries({ cpu, memory }))
    if (limit && request && (parseQuantity(limit) ?? 0) < (parseQuantity(request) ?? 0))
      throw new UserError(`proxy.resources.${name}: the limit ${limit} is below the request ${request}`);
  const refusal = refusals(values).find(({ test }) => test);
  if (refusal) throw new UserError(refusal.message);
}

function whole(text: string, flag: string, least: number, most = 2 ** 31 - 1): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isInteger(number) || number < least || number > most)
    throw new UserError(`${flag}: expected a whole number from ${least} to ${most}, got "${text}"`);
  return number;
}

function truth(text: string, flag: string): boolean {
  if (text !== 'true' && text !== 'false') throw new UserError(`${flag}: expected true or false, got "${text}"`);
  return text === 'true';
}

function ports(text: string, flag: string): string {
  const parts = parsePortList(text);
  if (!parts || parts.some((part) => 'name' in part))
    throw new UserError(`${flag}: expected ports and ranges such as 25,4000-4100, got "${text}"`);
  return text.replaceAll(' ', '');
}

function duration(text: string, flag: string): string {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text))
    throw new UserError(`${flag}: expected a duration such as 24h or 20s, got "${text}"`);
  return text;
}
