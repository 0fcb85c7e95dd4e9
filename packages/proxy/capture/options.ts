import { PORTS, PROXY_UID } from '#model/ports';

/** A port or a range of ports. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface CaptureOptions {
  readonly incomingProxyPort: number;
  readonly outgoingProxyPort: number;
  readonly proxyUid: number;
  /** Absent: only the user id exempts the proxy. */
  readonly proxyGid: number | undefined;
  /** Empty: all. */
  readonly portsToRedirect: readonly PortRange[];
  readonly inboundPortsToIgnore: readonly PortRange[];
  readonly outboundPortsToIgnore: readonly PortRange[];
  /** Clients in these networks reach the application directly. */
  readonly subnetsToIgnore: readonly string[];
  /** Print the rules and change nothing. */
  readonly simulate: boolean;
  /** Path of the network namespace to work in; absent: our own. */
  readonly netns: string | undefined;
  /** Seconds that half-closed connections are remembered; 0: leave the kernel's setting. */
  readonly timeoutCloseWaitSecs: number;
  readonly iptablesMode: 'legacy' | 'nft' | 'plain' | undefined;
  readonly ipv6: boolean;
}

/** What is wrong with the arguments or the machine, in words for whoever reads the init container's log. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}

interface FlagRow {
  readonly field: keyof CaptureOptions | undefined;
  readonly read: (text: string, flag: string) => unknown;
  readonly short?: string;
  readonly isSwitch?: true;
}

/** Flag -> option. Rows without a field are accepted because Linkerd's manifests may carry them; they change nothing here. */
const FLAGS: Readonly<Record<string, FlagRow>> = {
  'incoming-proxy-port': { field: 'incomingProxyPort', read: onePort, short: 'p' },
  'outgoing-proxy-port': { field: 'outgoingProxyPort', read: onePort, short: 'o' },
  'proxy-uid': { field: 'proxyUid', read: id, short: 'u' },
  'proxy-gid': { field: 'proxyGid', read: id, short: 'g' },
  'ports-to-redirect': { field: 'portsToRedirect', read: portRanges, short: 'r' },
  'inbound-ports-to-ignore': { field: 'inboundPortsToIgnore', read: portRanges },
  'outbound-ports-to-ignore': { field: 'outboundPortsToIgnore', read: portRanges },
  'subnets-to-ignore': { field: 'subnetsToIgnore', read: subnets },
  simulate: { field: 'simulate', read: boolean, isSwitch: true },
  netns: { field: 'netns', read: (text) => text },
  'timeout-close-wait-secs': { field: 'timeoutCloseWaitSecs', read: id },
  'iptables-mode': { field: 'iptablesMode', read: mode },
  ipv6: { field: 'ipv6', read: boolean, isSwitch: true },
  'use-wait-flag': { field: undefined, read: boolean, short: 'w', isSwitch: true },
  'firewall-bin-path': { field: undefined, read: (text) => text },
  'firewall-save-bin-path': { field: undefined, read: (text) => text },
  'log-format': { field: undefined, read: (text) => text },
  'log-level': { field: undefined, read: (text) => text },
};

/** What the rules are where nothing is said. */
export const CAPTURE_DEFAULTS: CaptureOptions = {
  incomingProxyPort: PORTS.inbound,
  outgoingProxyPort: PORTS.outbound,
  proxyUid: PROXY_UID,
  proxyGid: undefined,
  portsToRedirect: [],
  inboundPortsToIgnore: [],
  outboundPortsToIgnore: [],
  subnetsToIgnore: [],
  simulate: false,
  netns: undefined,
  timeoutCloseWaitSecs: 0,
  iptablesMode: undefined,
  ipv6: true,
};

/** Reads `--flag value`, `--flag=value` and `-p value`; lists may also be given by repeating a flag. */
export function parseCaptureArgs(args: readonly string[]): CaptureOptions {
  const found: Record<string, unknown> = {};
  for (let i = 0; i < args.length; i++) {
    const [name = '', inline] = (args[i] ?? '').split(/=(.*)/s);
    const flag = longName(name);
    const row = FLAGS[flag];
    if (!row) throw new CaptureError(`unknown argument ${JSON.stringify(args[i])}`);
    const text = inline ?? (row.isSwitch ? 'true' : args[++i]);
    if (text === undefined) throw new CaptureError(`--${flag} needs a value`);
    const value = row.read(text, flag);
    if (!row.field) continue;
    const before = found[row.field];
    found[row.field] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
  }
  return { ...CAPTURE_DEFAULTS, ...found };
}

function longName(argument: string): string {
  if (argument.startsWith('--')) return argument.slice(2);
  const short = argument.slice(1);
  return Object.keys(FLAGS).find((flag) => FLAGS[flag]?.short === short) ?? argument;
}

function number(text: string, flag: string, max: number): number {
  if (!/^\d{1,10}$/.test(text.trim()) || Number(text) > max)
    throw new CaptureError(`--${flag} must be a number from 0 to ${max}, but is ${JSON.stringify(text)}`);
  return Number(text);
}

function onePort(text: string, flag: string): number {
  const port = number(text, flag, 65_535);
  if (port === 0) throw new CaptureError(`--${flag} must be a port from 1 to 65535, but is 0`);
  return port;
}

function id(text: string, flag: string): number {
  return number(text, flag, 2 ** 31 - 1);
}

/** `25,4000-4100`. */
function portRanges(text: string, flag: string): PortRange[] {
  return list(text).map((item) => {
    const [from = '', to = from] = item.split('-');
    const range = { from: onePort(from, flag), to: onePort(to, flag) };
    if (range.to < range.from) throw new CaptureError(`--${flag}: ${item} ends before it begins`);
    return range;
  });
}

function subnets(text: string, flag: string): string[] {
  return list(text).map((item) => {
    if (!/^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-f:]+\/\d{1,3})$/i.test(item))
      throw new CaptureError(`--${flag} must be networks such as 10.0.0.0/8, but holds ${JSON.stringify(item)}`);
    return item;
  });
}

function boolean(text: string, flag: string): boolean {
  if (text !== 'true' && text !== 'false')
    throw new CaptureError(`--${flag} must be true or false, but is ${JSON.stringify(text)}`);
  return text === 'true';
}

function mode(text: string): CaptureOptions['iptablesMode'] {
  if (text === 'legacy' || text === 'nft' || text === 'plain') return text;
  throw new CaptureError(`--iptables-mode must be legacy, nft or plain, but is ${JSON.stringify(text)}`);
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
