import type { ProxiedEnd } from './header.ts';
import { isIpv4, shortestIpv6 } from './ip.ts';

interface Ends {
  readonly source: ProxiedEnd | undefined;
  readonly destination: ProxiedEnd | undefined;
}

const UNKNOWN: Ends = { source: undefined, destination: undefined };

/** The rest of a version 1 line behind `PROXY `, without its CRLF; undefined when it is wrong. */
export function readLine(line: string): Ends | undefined {
  const words = line.split(' ');
  // "UNKNOWN" may be followed by anything, which must be ignored.
  if (words[0] === 'UNKNOWN') return UNKNOWN;
  const [family, source = '', destination = '', sourcePort = '', destinationPort = ''] = words;
  if (words.length !== 5) return undefined;
  const address = family === 'TCP4' ? ipv4Of : family === 'TCP6' ? shortestIpv6 : undefined;
  const from = endOf(address?.(source), sourcePort);
  const to = endOf(address?.(destination), destinationPort);
  return from && to && { source: from, destination: to };
}

function ipv4Of(text: string): string | undefined {
  return isIpv4(text) ? text : undefined;
}

function endOf(ip: string | undefined, port: string): ProxiedEnd | undefined {
  if (ip === undefined || !/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { ip, port: Number(port) };
}
