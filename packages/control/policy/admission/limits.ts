/** Rules for egress networks and rate limits. */
import { checkNetworks } from './authorization.ts';
import { isRef, listOf, Malformed, neededRef, objectOf, Refusal, type Rule, textOf } from './refusal.ts';

export const checkEgressNetwork: Rule = ({ spec }) => {
  const networks = listOf(spec, 'networks');
  if (networks.length === 0 && (spec['networks'] ?? undefined) !== undefined)
    throw new Refusal('networks: at least one network must be specified');
  checkNetworks(networks);
  const policy = spec['trafficPolicy'];
  if (policy !== 'Allow' && policy !== 'Deny')
    throw new Malformed(`trafficPolicy: expected Allow or Deny, got ${JSON.stringify(policy)}`);
};

export const checkRateLimit: Rule = ({ spec }) => {
  const target = neededRef(objectOf(spec, 'targetRef') ?? {}, 'targetRef');
  if (!isRef(target, 'policy.linkerd.io', 'Server'))
    throw new Refusal(`targetRef: expected a Server.policy.linkerd.io, got ${textOf(target)}`);
  const total = rate(objectOf(spec, 'total'), 'total');
  if (total === 0) throw new Refusal('total: requestsPerSecond must be greater than 0');
  const limits: [string, Readonly<Record<string, unknown>> | undefined][] = [
    ['identity', objectOf(spec, 'identity')],
    ...listOf(spec, 'overrides').map((override): [string, typeof override] => ['overrides', override]),
  ];
  for (const [name, limit] of limits) {
    const value = rate(limit, name);
    if (value === 0) throw new Refusal(`${name}: requestsPerSecond must be greater than 0`);
    if (value !== undefined && total !== undefined && value > total)
      throw new Refusal(`${name}: requestsPerSecond (${value}) must not exceed that of total (${total})`);
  }
  for (const override of listOf(spec, 'overrides'))
    for (const ref of listOf(override, 'clientRefs').map((each) => neededRef(each, 'overrides: clientRefs')))
      if (!isRef(ref, '', 'ServiceAccount'))
        throw new Refusal(`overrides: clientRefs: expected ServiceAccount, got ${ref.kind}`);
};

function rate(limit: Readonly<Record<string, unknown>> | undefined, name: string): number | undefined {
  if (!limit) return undefined;
  const value = limit['requestsPerSecond'];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw new Refusal(`${name}: requestsPerSecond: expected a whole number, got ${JSON.stringify(value)}`);
  return value;
}
