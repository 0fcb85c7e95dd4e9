import { type Command, Option } from 'commander';
import {
  ANNOTATIONS,
  type AnnotationName,
  type AnnotationRow,
  KINDS,
  parsePortList,
  parseQuantity,
} from '#model/annotations';
import { UserError } from '../context.ts';
import { ineffective, putPath, refusals, type Values } from '../manifests/index.ts';

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

/** Values of the installation that a flag of `inject` sets, by the annotation that it is for workloads. */
const OF_PODS = {
  proxyImage: ['proxy.image.name'],
  imagePullPolicy: ['imagePullPolicy', 'proxy.image.pullPolicy', 'debugContainer.image.pullPolicy'],
  inboundPort: ['proxy.ports.inbound'],
  outboundPort: ['proxy.ports.outbound'],
  controlPort: ['proxy.ports.control'],
  adminPort: ['proxy.ports.admin'],
  skipInboundPorts: ['proxyInit.ignoreInboundPorts'],
  skipOutboundPorts: ['proxyInit.ignoreOutboundPorts'],
  proxyUid: ['proxy.uid'],
  proxyGid: ['proxy.gid'],
  proxyLogLevel: ['proxy.logLevel'],
  proxyCpuRequest: ['proxy.resources.cpu.request'],
  proxyCpuLimit: ['proxy.resources.cpu.limit'],
  proxyMemoryRequest: ['proxy.resources.memory.request'],
  proxyMemoryLimit: ['proxy.resources.memory.limit'],
  enableExternalProfiles: ['proxy.enableExternalProfiles'],
  defaultInboundPolicy: ['proxy.defaultInboundPolicy'],
} as const satisfies { readonly [N in AnnotationName]?: readonly string[] };

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
  {
    flag: '--disable-heartbeat',
    doc: 'There is no heartbeat; accepted for compatibility',
    set: (values) => {
      values.disableHeartBeat = true;
    },
  },
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
  ...Object.entries(OF_PODS).map(([name, paths]) => podRow(name as keyof typeof OF_PODS, paths)),
  { ...podRow('proxyVersion', ['proxy.image.version']), flag: '-v, --proxy-version <version>', hidden: true },
  { ...podRow('proxyCpuRequest', OF_PODS.proxyCpuRequest), flag: '--proxy-cpu <quantity>', hidden: true },
  { ...podRow('proxyMemoryRequest', OF_PODS.proxyMemoryRequest), flag: '--proxy-memory <quantity>', hidden: true },
];

/** A flag is spelled, explained and read as `inject` does for one workload; here it is for all. */
function podRow(name: AnnotationName, paths: readonly string[]): FlagRow {
  const { flag = '', doc, expects, parse, schema }: AnnotationRow = ANNOTATIONS[name];
  return {
    flag,
    doc: doc.replace(/\.$/, ''),
    ...('enum' in schema && flag.includes(' <') && { choices: schema.enum }),
    set: (values, text, given) => {
      const value = parse === KINDS.ports.parse ? ports(text, given) : parse(text);
      if (value === undefined) throw new UserError(`${given}: expected ${expects}, got "${text}"`);
      for (const path of paths) putPath(values, path, value);
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

/** Says which values ask for what there is not. */
export function warnOfIneffective(values: Values, warn: (text: string) => void): void {
  for (const { test, message } of ineffective(values)) if (test) warn(`warning: ${message}\n`);
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
