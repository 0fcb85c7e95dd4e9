/** Which ServiceProfiles are refused: what the CRD's schema lets through and no proxy could follow. */
import type { AdmissionAnswer, AdmissionRequest } from '#kube/webhook';
import { parseGoDuration } from '#model/annotations';
import { isDnsSubdomain } from '#model/names';
import { Pattern, RegexError } from '#model/regex';

type Fields = Readonly<Record<string, unknown>>;

/** Why a profile is refused; a sentence with the path of what is wrong. */
export class ProfileRefusal extends Error {}

type Check = (value: unknown, path: string) => void;

/** How deep conditions may nest: a profile is an object of the API server, which holds 1.5 MiB. */
const DEPTH_MAX = 100;

/** Answers a review of a ServiceProfile. */
export function reviewProfile(request: AdmissionRequest): AdmissionAnswer {
  const { object } = request;
  if (!object) return { allowed: true };
  try {
    const name = object.metadata.name ?? '';
    if (!isDnsSubdomain(name))
      throw new ProfileRefusal(`metadata.name: expected a DNS name such as web.shop.svc.cluster.local, got "${name}"`);
    const { apiVersion: _, kind: __, metadata: ___, status: ____, ...rest } = object;
    fields({ spec: [checkSpec, 'required'] })(rest, '');
    return { allowed: true };
  } catch (error) {
    if (error instanceof ProfileRefusal)
      return { allowed: false, message: `ServiceProfile "${object.metadata.name}": ${error.message}` };
    throw error;
  }
}

/** An object with these fields and no others. */
function fields(checks: Readonly<Record<string, readonly [Check, 'required' | 'optional']>>): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refusal(path, 'expected an object', value);
    for (const key of Object.keys(value))
      if (!Object.hasOwn(checks, key))
        throw new ProfileRefusal(`${join(path, key)}: unknown field; known are ${Object.keys(checks).join(', ')}`);
    for (const [key, [check, need]] of Object.entries(checks)) {
      const field = (value as Fields)[key];
      if (field !== undefined && field !== null) check(field, join(path, key));
      else if (need === 'required') throw new ProfileRefusal(`${join(path, key)}: is missing`);
    }
  };
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);
const refusal = (path: string, expected: string, value: unknown) =>
  new ProfileRefusal(`${path}: ${expected}, got ${JSON.stringify(value)?.slice(0, 100)}`);

const list =
  (check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) throw refusal(path, 'expected a list', value);
    for (const [at, item] of value.entries()) check(item, `${path}[${at}]`);
  };
const text: Check = (value, path) => {
  if (typeof value !== 'string') throw refusal(path, 'expected a text', value);
};
const name: Check = (value, path) => {
  if (typeof value !== 'string' || value === '') throw refusal(path, 'expected a name', value);
};
const bool: Check = (value, path) => {
  if (typeof value !== 'boolean') throw refusal(path, 'expected true or false', value);
};
const whole: Check = (value, path) => {
  if (!Number.isInteger(value) || (value as number) < 0) throw refusal(path, 'expected a whole number', value);
};
const duration: Check = (value, path) => {
  if (typeof value !== 'string' || parseGoDuration(value) === undefined)
    throw refusal(path, 'expected a duration such as 300ms or 1m30s', value);
};
const quantity: Check = (value, path) => {
  if (typeof value !== 'number' && typeof value !== 'string') throw refusal(path, 'expected a quantity', value);
};
const ratio: Check = (value, path) => {
  if (typeof value !== 'number' || value < 0) throw refusal(path, 'expected a number of at least 0', value);
};

const regex: Check = (value, path) => {
  text(value, path);
  try {
    new Pattern(String(value));
  } catch (error) {
    if (error instanceof RegexError) throw new ProfileRefusal(`${path}: ${error.message}`);
    throw error;
  }
};

/** A condition: one of the fields at least, recursively. */
function condition(own: Readonly<Record<string, readonly [Check, 'optional']>>): Check {
  const check =
    (depth: number): Check =>
    (value, path) => {
      if (depth > DEPTH_MAX) throw new ProfileRefusal(`${path}: nested deeper than ${DEPTH_MAX}`);
      const nested = check(depth + 1);
      fields({ ...own, all: [list(nested), 'optional'], any: [list(nested), 'optional'], not: [nested, 'optional'] })(
        value,
        path,
      );
      if (Object.values(value as Fields).every((field) => field === undefined || field === null))
        throw new ProfileRefusal(`${path}: a condition must set a field`);
    };
  return check(0);
}

const statusRange: Check = (value, path) => {
  const bound: Check = (number, at) => {
    if (!Number.isInteger(number) || (number as number) < 100 || (number as number) > 599)
      throw refusal(at, 'expected a status from 100 to 599', number);
  };
  fields({ min: [bound, 'optional'], max: [bound, 'optional'] })(value, path);
  const { min, max } = value as { min?: number; max?: number };
  if (min === undefined && max === undefined) throw new ProfileRefusal(`${path}: a range must set min or max`);
  if (min !== undefined && max !== undefined && max < min)
    throw new ProfileRefusal(`${path}: max (${max}) is below min (${min})`);
};

const checkRequest = condition({ pathRegex: [regex, 'optional'], method: [text, 'optional'] });
const checkResponse = condition({ status: [statusRange, 'optional'] });

const checkRoute = fields({
  name: [name, 'required'],
  condition: [checkRequest, 'required'],
  responseClasses: [
    list(fields({ condition: [checkResponse, 'required'], isFailure: [bool, 'optional'] })),
    'optional',
  ],
  isRetryable: [bool, 'optional'],
  timeout: [duration, 'optional'],
});

const checkSpec = fields({
  routes: [list(checkRoute), 'optional'],
  retryBudget: [
    fields({ retryRatio: [ratio, 'optional'], minRetriesPerSecond: [whole, 'optional'], ttl: [duration, 'required'] }),
    'optional',
  ],
  dstOverrides: [list(fields({ authority: [text, 'optional'], weight: [quantity, 'optional'] })), 'optional'],
  opaquePorts: [
    (value, path) => {
      throw refusal(path, 'is not supported; annotate the Service with config.linkerd.io/opaque-ports', value);
    },
    'optional',
  ],
});
