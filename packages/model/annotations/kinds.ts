/** Kinds of values that annotations hold: how each is read, how it is described, and what a JSON schema says of it. */
import { parseAccessLogFormat } from '../access-log/index.ts';
import { DEFAULT_POLICIES } from '../policy/index.ts';
import {
  parseBool,
  parseGoDuration,
  parseInteger,
  parsePort,
  parseQuantity,
  parseSwitch,
  parseText,
} from './go-values.ts';
import { parsePortList } from './port-set.ts';

export interface Kind<T> {
  /** The value, or undefined when the text is none. */
  parse(text: string): T | undefined;
  /** What a value looks like, to complete "expected …". */
  expects: string;
  /** What a JSON schema can say of the text: never stricter than `parse`. */
  schema: { readonly enum: readonly string[] } | { readonly pattern: string } | { readonly minLength: number };
}

const orBelowZero = (value: number | undefined): number | undefined =>
  value === undefined || value < 0 ? undefined : value;

/** One of some words. */
export const oneOf = <const T extends string>(...values: T[]): Kind<T> => ({
  parse: (value) => values.find((each) => each === value),
  expects: `one of ${values.map((each) => `"${each}"`).join(', ')}`,
  schema: { enum: values },
});

export const KINDS = {
  text: { parse: parseText, expects: 'a text', schema: { minLength: 1 } },
  bool: {
    parse: parseBool,
    expects: 'true or false',
    schema: { enum: ['true', 'false', '1', '0', 't', 'f', 'T', 'F', 'TRUE', 'FALSE', 'True', 'False'] },
  },
  toggle: { parse: parseSwitch, expects: 'enabled or disabled', schema: { enum: ['enabled', 'disabled'] } },
  port: {
    parse: (text) => (parsePort(text) ? parsePort(text) : undefined),
    expects: 'a port from 1 to 65535',
    schema: { pattern: '^[+]?[0-9]{1,15}$' },
  },
  count: {
    parse: (text) => orBelowZero(parseInteger(text)),
    expects: 'a whole number, 0 or more',
    schema: { pattern: '^[+-]?[0-9]{1,15}$' },
  },
  userId: {
    parse: (text) => ((parseInteger(text) ?? 0) > 0 ? parseInteger(text) : undefined),
    expects: 'the number of a user other than root',
    schema: { pattern: '^[+]?[0-9]{1,15}$' },
  },
  groupId: {
    parse: (text) => ((parseInteger(text) ?? -2) >= -1 ? parseInteger(text) : undefined),
    expects: "the number of a group, or -1 for the image's own",
    schema: { pattern: '^[+-]?[0-9]{1,15}$' },
  },
  duration: {
    parse: (text) => orBelowZero(parseGoDuration(text)),
    expects: 'a duration such as 500ms or 1m30s',
    schema: { pattern: '^[+-]?(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$' },
  },
  /** Kept as text: names of ports are resolved where the pod is known. */
  ports: {
    parse: (text) => (parsePortList(text) ? text : undefined),
    expects: 'a list of ports, ranges a-b or port names, such as 25,3000-3010,sql',
    schema: { pattern: '^[-0-9a-zA-Z,\\s]*$' },
  },
  identities: {
    parse: (text) => (/^[A-Za-z0-9._:/,\s-]*$/.test(text) ? text : undefined),
    expects: 'a list of service accounts such as linkerd-gateway.linkerd-multicluster, or of identities',
    schema: { pattern: '^[A-Za-z0-9._:/,\\s-]*$' },
  },
  quantity: {
    parse: (text) => ((parseQuantity(text) ?? -1) >= 0 ? text : undefined),
    expects: 'a quantity such as 100m or 64Mi',
    schema: { pattern: '^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$' },
  },
  fraction: {
    parse: (text) => (text.trim() !== '' && Number(text) > 0 && Number(text) < 1 ? Number(text) : undefined),
    expects: 'a number between 0 and 1',
    schema: { pattern: '^.*[0-9].*$' },
  },
  networks: {
    parse: (text) => (text.split(',').every(isNetwork) ? text : undefined),
    expects: 'a list of networks such as 10.0.0.0/8,192.168.1.0/24',
    schema: { pattern: '^[0-9a-fA-F.:/,\\s]*$' },
  },
  /** Kept as text: the proxy reads it. */
  accessLog: {
    parse: (text) => ('value' in parseAccessLogFormat(text) ? text : undefined),
    expects: 'apache, json, or a format such as "%START_TIME% %REQ(:METHOD)% %RESPONSE_CODE%"',
    schema: { minLength: 0 },
  },
  defaultPolicy: oneOf(...(Object.keys(DEFAULT_POLICIES) as (keyof typeof DEFAULT_POLICIES)[])),
  headerLogs: {
    parse: (text) => (text === 'insecure' || text === 'off' || text === '' ? text : undefined),
    expects: '"off" or "insecure"',
    schema: { enum: ['off', 'insecure', ''] },
  },
  /** A JSON list of container environment variables. */
  envVars: {
    parse: parseEnvVars,
    expects: 'a JSON list such as [{"name":"A","value":"b"}]',
    schema: { pattern: '^\\s*\\[' },
  },
} as const satisfies Record<string, Kind<unknown>>;

/** An address of IPv4 or IPv6, with or without the length of a prefix; an empty part is left out. */
function isNetwork(part: string): boolean {
  const [address = '', length, more] = part.trim().split('/');
  if (more !== undefined) return false;
  const bits = length === undefined ? 0 : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (address === '') return length === undefined;
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (four) return four.slice(1).every((octet) => Number(octet) <= 255) && bits <= 32;
  return address.includes(':') && /^[0-9a-fA-F:.]{2,45}$/.test(address) && bits <= 128;
}

function parseEnvVars(text: string): readonly { name: string }[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((each) => typeof each?.name === 'string') ? list : undefined;
  } catch {
    return undefined; // reported by the caller, with what was expected
  }
}
