import { isIP } from 'node:net';
import type { At } from './cause.ts';
import { form, ip, isEmpty, type Json, labels, port, portOrName, positive, quantities } from './checks.ts';
import { configKey, dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names.ts';
import { immutable, listAt, objectAt, type RulesTable, type Scope, same } from './rules.ts';

const DATA_BYTES_MAX = 1024 * 1024;
const WHEN_IMMUTABLE = 'field is immutable when `immutable` is set';

function checkKeys(data: Json, at: At): void {
  for (const key of Object.keys(data)) for (const detail of configKey(key)) at.item(key).invalid(key, detail);
}

/** Bytes of base64 text. */
const base64Bytes = (text: string): number => Math.floor((text.replace(/=+$/, '').length * 3) / 4);

function sizeOf(data: Json, bytesOf: (text: string) => number): number {
  return Object.values(data).reduce<number>((sum, text) => sum + bytesOf(String(text)), 0);
}

function checkFrozen(object: Json, at: At, { old }: Scope, fields: readonly string[]): void {
  if (old?.['immutable'] !== true) return;
  if (object['immutable'] !== true) at.child('immutable').forbidden(WHEN_IMMUTABLE);
  for (const field of fields) if (!same(object[field], old[field])) at.child(field).forbidden(WHEN_IMMUTABLE);
}

function checkConfigMap(map: Json, at: At, scope: Scope): void {
  const [data, binary] = [objectAt(map, 'data'), objectAt(map, 'binaryData')];
  checkFrozen(map, at, scope, ['data', 'binaryData']);
  checkKeys(data, at.child('data'));
  for (const key of Object.keys(data))
    if (binary[key] !== undefined) at.child('data').item(key).invalid(key, 'duplicate of key present in binaryData');
  checkKeys(binary, at.child('binaryData'));
  if (sizeOf(data, Buffer.byteLength) + sizeOf(binary, base64Bytes) > DATA_BYTES_MAX)
    at.tooLong(`may not be more than ${DATA_BYTES_MAX} bytes`);
}

/** Keys that Secrets of a type must carry: all of them, or for basic-auth any. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};
const BASIC_AUTH_KEYS = ['username', 'password'];
const ACCOUNT_ANNOTATION = 'kubernetes.io/service-account.name';

function checkSecret(secret: Json, at: At, scope: Scope): void {
  const data = objectAt(secret, 'data');
  const type = String(secret['type']);
  const dataAt = at.child('data');
  if (scope.old) immutable(scope, at, secret, scope.old, ['type']);
  checkFrozen(secret, at, scope, ['data']);
  checkKeys(data, dataAt);
  if (sizeOf(data, base64Bytes) > DATA_BYTES_MAX) dataAt.tooLong(`may not be more than ${DATA_BYTES_MAX} bytes`);
  for (const key of SECRET_KEYS[type] ?? []) if (data[key] === undefined) dataAt.item(key).required();
  if (type.startsWith('kubernetes.io/dockerc')) checkDockerConfig(data, dataAt, SECRET_KEYS[type]?.[0] ?? '');
  if (type === 'kubernetes.io/basic-auth' && BASIC_AUTH_KEYS.every((key) => data[key] === undefined))
    for (const key of BASIC_AUTH_KEYS) dataAt.item(key).required();
  const account = objectAt(objectAt(secret, 'metadata'), 'annotations')[ACCOUNT_ANNOTATION];
  if (type === 'kubernetes.io/service-account-token' && !account)
    at.child('metadata').child('annotations').item(ACCOUNT_ANNOTATION).required();
}

function checkDockerConfig(data: Json, at: At, key: string): void {
  if (data[key] === undefined) return;
  try {
    JSON.parse(Buffer.from(String(data[key]), 'base64').toString('utf8'));
  } catch (fault) {
    at.item(key).invalid('<secret contents redacted>', (fault as Error).message);
  }
}

const isHeadless = (spec: Json): boolean => spec['clusterIP'] === 'None';
const isExposed = (spec: Json): boolean =>
  spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer' || listAt(spec, 'externalIPs').length > 0;

function checkService(spec: Json, at: At): void {
  const type = spec['type'];
  if (isEmpty(spec['ports']) && !isHeadless(spec) && type !== 'ExternalName') at.child('ports').required();
  if (type === 'LoadBalancer' && isHeadless(spec))
    at.child('clusterIPs').item(0).invalid('None', "may not be set to 'None' for LoadBalancer services");
  if (type === 'NodePort' && isHeadless(spec))
    at.child('clusterIPs').item(0).invalid('None', "may not be set to 'None' for NodePort services");
  if (type === 'ExternalName') checkExternalName(spec, at);
  if (spec['externalTrafficPolicy'] !== undefined && !isExposed(spec))
    at.child('externalTrafficPolicy').invalid(
      spec['externalTrafficPolicy'],
      'may only be set for externally-accessible services',
    );
  checkBalancer(spec, at);
  checkPorts(spec, at.child('ports'));
}

const ONLY_BALANCERS = "may only be used when `type` is 'LoadBalancer'";

function checkBalancer(spec: Json, at: At): void {
  const isBalancer = spec['type'] === 'LoadBalancer';
  const ranges = (spec['loadBalancerSourceRanges'] ?? []) as readonly unknown[];
  const rangesAt = at.child('loadBalancerSourceRanges');
  if (ranges.length > 0 && !isBalancer) rangesAt.forbidden(ONLY_BALANCERS);
  else
    ranges.forEach((range, index) => {
      if (!isCidr(String(range).trim()))
        rangesAt.item(index).invalid(range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
    });
  if (spec['loadBalancerClass'] !== undefined && !isBalancer) at.child('loadBalancerClass').forbidden(ONLY_BALANCERS);
  const hasHealth = isBalancer && spec['externalTrafficPolicy'] === 'Local';
  if (spec['healthCheckNodePort'] && !hasHealth)
    at.child('healthCheckNodePort').invalid(
      spec['healthCheckNodePort'],
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/');
  const family = isIP(address);
  return family !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

function checkExternalName(spec: Json, at: At): void {
  const name = String(spec['externalName'] ?? '').replace(/\.$/, '');
  if (name === '') at.child('externalName').required();
  else for (const detail of dnsSubdomain(name)) at.child('externalName').invalid(name, detail);
  if (!isEmpty(spec['clusterIPs'])) at.child('clusterIPs').forbidden("may not be set when `type` is 'ExternalName'");
}

/** Several ports need names; no two share a name, or a number and protocol. */
function checkPorts(spec: Json, at: At): void {
  const ports = listAt(spec, 'ports');
  const [names, pairs, nodePorts] = [new Set<unknown>(), new Set<string>(), new Set<string>()];
  ports.forEach((each, index) => {
    const here = at.item(index);
    const name = each['name'] ?? '';
    if (ports.length > 1 && name === '') here.child('name').required();
    if (name !== '' && names.has(name)) here.child('name').duplicate(name);
    names.add(name);
    const pair = `${each['port']}/${each['protocol']}`;
    if (pairs.has(pair)) here.duplicate({ port: each['port'], protocol: each['protocol'] });
    pairs.add(pair);
    if (each['nodePort'] === undefined) return;
    const nodePair = `${each['nodePort']}/${each['protocol']}`;
    if (nodePorts.has(nodePair)) here.child('nodePort').duplicate(each['nodePort']);
    nodePorts.add(nodePair);
    if (spec['type'] === 'ClusterIP') here.child('nodePort').forbidden("may not be used when `type` is 'ClusterIP'");
  });
}

const CLAIM_CHANGEABLE = new Set(['resources', 'volumeAttributesClassName', 'volumeName']);

function checkClaim(claim: Json, at: At, { old }: Scope): void {
  // Templates of claims within a StatefulSet have no stored claim to compare with.
  if (!old || at.path !== '') return;
  const fixed = (spec: Json) => Object.fromEntries(Object.entries(spec).filter(([key]) => !CLAIM_CHANGEABLE.has(key)));
  const [spec, before] = [objectAt(claim, 'spec'), objectAt(old, 'spec')];
  const moved = before['volumeName'] !== undefined && spec['volumeName'] !== before['volumeName'];
  if (moved || !same(fixed(spec), fixed(before)))
    at.child('spec').forbidden(
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    );
}

function checkEventNamespace(event: Json, at: At): void {
  const involved = objectAt(event, 'involvedObject');
  const namespace = String(objectAt(event, 'metadata')['namespace'] ?? '');
  const given = String(involved['namespace'] ?? '');
  const expected = given === '' ? 'default' : given;
  if (namespace !== '' && namespace !== expected && !(given === '' && namespace === 'kube-system'))
    at.child('involvedObject').child('namespace').invalid(given, 'does not match event.namespace');
}

function checkSelectorRequirement(requirement: Json, at: At): void {
  const operator = String(requirement['operator'] ?? '');
  const values = listAt(requirement, 'values') as unknown as string[];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) at.child('values').required("must be specified when `operator` is 'In' or 'NotIn'");
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      at.child('values').forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else at.child('operator').invalid(operator, 'not a valid selector operator');
  values.forEach((value, index) => {
    for (const detail of labelValue(value)) at.child('values').item(index).invalid(value, detail);
  });
}

const TAINT = {
  fields: { key: ['required', form(qualifiedName)], value: [form(labelValue)], effect: ['required'] },
} as const;

/** Core kinds other than pods, and shared structs. */
export const CORE_RULES: RulesTable = {
  'core/v1.ConfigMap': { check: checkConfigMap },
  'core/v1.Secret': { check: checkSecret },
  'core/v1.ServiceSpec': {
    fields: {
      selector: [labels],
      externalIPs: [(value, at, owner) => eachIp(value, at, owner)],
      loadBalancerClass: [form(qualifiedName)],
    },
    check: checkService,
  },
  'core/v1.ServicePort': {
    fields: { name: [form(dnsLabel)], port: [port], targetPort: [portOrName], appProtocol: [form(qualifiedName)] },
  },
  'core/v1.ClientIPConfig': {
    fields: {
      timeoutSeconds: [
        (value, at) => {
          if ((value as number) < 1 || (value as number) > 86_400)
            at.invalid(value, 'must be greater than 0 and less than 86400');
        },
      ],
    },
  },
  'core/v1.EndpointAddress': { fields: { ip: ['required', ip], hostname: [form(dnsLabel)] } },
  'core/v1.EndpointPort': { fields: { name: [form(dnsLabel)], port: [port] } },
  'core/v1.EndpointSubset': {
    check: (subset, at) => {
      if (isEmpty(subset['addresses']) && isEmpty(subset['notReadyAddresses']))
        at.required('must specify `addresses` or `notReadyAddresses`');
    },
  },
  'core/v1.PersistentVolumeClaim': { check: checkClaim },
  'core/v1.PersistentVolumeClaimSpec': {
    fields: { accessModes: [{ required: 'at least 1 access mode is required' }] },
    check: (spec, at) => {
      if (objectAt(objectAt(spec, 'resources'), 'requests')['storage'] === undefined)
        at.child('resources').item('storage').required();
    },
  },
  'core/v1.PersistentVolumeSpec': { fields: { capacity: ['required', quantities], accessModes: ['required'] } },
  'core/v1.Event': { check: checkEventNamespace },
  'core/v1.Taint': TAINT,
  'core/v1.ResourceQuotaSpec': { fields: { hard: [quantities] } },
  'meta/v1.LabelSelector': { fields: { matchLabels: [labels] } },
  'meta/v1.LabelSelectorRequirement': {
    fields: { key: ['required', form(qualifiedName)] },
    check: checkSelectorRequirement,
  },
  'coordination/v1.LeaseSpec': { fields: { leaseDurationSeconds: [positive] } },
};

function eachIp(value: unknown, at: At, owner: Json): void {
  (value as string[]).forEach((address, index) => {
    if (typeof ip === 'function') ip(address, at.item(index), owner);
  });
}
