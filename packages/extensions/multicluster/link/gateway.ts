import { parseGoDuration, parseInteger, parsePort } from '#model/annotations';
import type { LinkSpec } from './link.ts';

/** What a Link says of the gateway of its cluster, read. */
export interface GatewaySettings {
  /** IP addresses and host names, as written. */
  entries: readonly string[];
  /** Undefined: what is written is no port, and nothing can be reached. */
  port: number | undefined;
  identity: string | undefined;
  /** Undefined: the gateway is not probed, and is taken to be alive. */
  probe: ProbeSettings | undefined;
  /** What is wrong, one sentence each; what is used instead is named. */
  problems: readonly string[];
}

export interface ProbeSettings {
  path: string;
  /** Of the gateway; the Service through which it is probed may have another. */
  port: number;
  periodMs: number;
  timeoutMs: number;
  /** Probes in a row that fail before the gateway is taken to be dead. */
  failureThreshold: number;
}

/** Of probes, where a Link says nothing or nonsense. */
const DEFAULTS = { port: '4191', period: '3s', timeout: '30s', failureThreshold: '3' } as const;
/** More often would be a load on the gateway, and not know more. */
const PERIOD_MS_MIN = 100;

/** Reads it; undefined for a Link without gateway. */
export function readGateway(spec: LinkSpec | undefined): GatewaySettings | undefined {
  const entries = (spec?.gatewayAddress ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
  if (!spec || entries.length === 0) return undefined;
  const problems: string[] = [];
  const port = readPort(spec.gatewayPort);
  if (port === undefined)
    problems.push(`spec.gatewayPort: expected a port from 1 to 65535, got ${quoted(spec.gatewayPort)}`);
  if (!spec.gatewayIdentity) problems.push('spec.gatewayIdentity is missing: the gateway refuses who does not use TLS');
  const probe = readProbe(spec.probeSpec, problems);
  return { entries, port, identity: spec.gatewayIdentity || undefined, probe, problems };
}

function readProbe(spec: LinkSpec['probeSpec'], problems: string[]): ProbeSettings | undefined {
  if (!spec?.path) return undefined;
  const read = <T>(field: keyof typeof DEFAULTS, expected: string, parse: (text: string) => T | undefined): T => {
    const text = spec[field] || DEFAULTS[field];
    const value = parse(text);
    if (value !== undefined) return value;
    problems.push(`spec.probeSpec.${field}: expected ${expected}, got ${quoted(text)}; ${DEFAULTS[field]} is used`);
    return parse(DEFAULTS[field]) as T;
  };
  const duration = (msMin: number) => (text: string) => {
    const ms = parseGoDuration(text);
    return ms !== undefined && ms >= msMin ? ms : undefined;
  };
  return {
    path: spec.path.startsWith('/') ? spec.path : `/${spec.path}`,
    port: read('port', 'a port from 1 to 65535', readPort),
    periodMs: read('period', `a duration of at least ${PERIOD_MS_MIN}ms such as 3s`, duration(PERIOD_MS_MIN)),
    timeoutMs: read('timeout', 'a duration such as 30s', duration(1)),
    failureThreshold: read('failureThreshold', 'a whole number from 1 on', (text) => {
      const count = parseInteger(text);
      return count !== undefined && count >= 1 ? count : undefined;
    }),
  };
}

function readPort(text: string | undefined): number | undefined {
  const port = parsePort(text ?? '');
  return port === 0 ? undefined : port;
}

const quoted = (text: string | undefined): string => JSON.stringify(text ?? '');
