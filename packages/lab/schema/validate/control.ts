import type { At } from './cause.ts';
import { between, form, isEmpty, isIp, type Json, nonNegative, oneOf, port, portOrName, uniqueBy } from './checks.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, qualifiedName, wildcardSubdomain } from './names.ts';
import { immutable, listAt, objectAt, type RulesTable, type Scope, same } from './rules.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

const checkRule =
  (namespaced: boolean) =>
  (rule: Json, at: At): void => {
    if (isEmpty(rule['verbs'])) at.child('verbs').required('verbs must contain at least one value');
    const urls = rule['nonResourceURLs'];
    if (isEmpty(urls)) {
      if (isEmpty(rule['apiGroups']))
        at.child('apiGroups').required('resource rules must supply at least one api group');
      if (isEmpty(rule['resources']))
        at.child('resources').required('resource rules must supply at least one resource');
      return;
    }
    const here = at.child('nonResourceURLs');
    if (namespaced) here.invalid(urls, 'namespaced rules cannot apply to non-resource URLs');
    if (!['apiGroups', 'resources', 'resourceNames'].every((field) => isEmpty(rule[field])))
      here.invalid(urls, 'rules cannot apply to both regular resources and non-resource URLs');
  };

/** A ClusterRole that is put together from others may come with no rules; all that it has are checked. */
const role = (namespaced: boolean) => (object: Json, at: At) => {
  for (const [index, rule] of listAt(object, 'rules').entries())
    checkRule(namespaced)(rule, at.child('rules').item(index));
};

const binding = (namespaced: boolean) => (object: Json, at: At) => {
  const ref = objectAt(object, 'roleRef');
  const refAt = at.child('roleRef');
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (ref['apiGroup'] !== RBAC_GROUP) refAt.child('apiGroup').notSupported(ref['apiGroup'], [RBAC_GROUP]);
  if (!kinds.includes(String(ref['kind']))) refAt.child('kind').notSupported(ref['kind'], kinds);
  if (isEmpty(ref['name'])) refAt.child('name').required();
  for (const [index, subject] of listAt(object, 'subjects').entries())
    checkSubject(subject, at.child('subjects').item(index), namespaced);
};

function checkSubject(subject: Json, at: At, namespaced: boolean): void {
  const group = subject['apiGroup'] ?? '';
  if (isEmpty(subject['name'])) at.child('name').required();
  if (subject['kind'] === 'ServiceAccount') {
    for (const detail of isEmpty(subject['name']) ? [] : dnsSubdomain(String(subject['name'])))
      at.child('name').invalid(subject['name'], detail);
    if (group !== '') at.child('apiGroup').notSupported(group, ['']);
    if (!namespaced && isEmpty(subject['namespace'])) at.child('namespace').required();
  } else if (subject['kind'] === 'User' || subject['kind'] === 'Group') {
    if (group !== RBAC_GROUP) at.child('apiGroup').notSupported(group, [RBAC_GROUP]);
  } else at.child('kind').notSupported(subject['kind'], ['ServiceAccount', 'User', 'Group']);
}

const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];

function fullyQualified(value: unknown, at: At): void {
  const name = String(value);
  const faults = dnsSubdomain(name);
  for (const detail of faults) at.invalid(name, detail);
  if (faults.length === 0 && name.split('.').length < 3)
    at.invalid(name, 'should be a domain with at least three segments separated by dots');
}

function checkWebhook(hook: Json, at: At): void {
  if (hook['sideEffects'] === undefined)
    at.child('sideEffects').required(`must specify one of ${SIDE_EFFECTS.join(', ')}`);
  else if (!SIDE_EFFECTS.includes(String(hook['sideEffects'])))
    at.child('sideEffects').notSupported(hook['sideEffects'], SIDE_EFFECTS);
  const timeout = hook['timeoutSeconds'] as number | undefined;
  if (timeout !== undefined && (timeout < 1 || timeout > 30))
    at.child('timeoutSeconds').invalid(timeout, 'the timeout value must be between 1 and 30 seconds');
  checkReviewVersions(
    (hook['admissionReviewVersions'] as string[] | undefined) ?? [],
    at.child('admissionReviewVersions'),
  );
  checkClient(objectAt(hook, 'clientConfig'), at.child('clientConfig'));
}

function checkReviewVersions(versions: readonly string[], at: At): void {
  if (versions.length === 0) {
    at.required(`must specify one of ${REVIEW_VERSIONS.join(', ')}`);
    return;
  }
  versions.forEach((version, index) => {
    if (versions.indexOf(version) < index) at.item(index).invalid(version, 'duplicate version');
    for (const detail of dns1035Label(version)) at.item(index).invalid(version, detail);
  });
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version)))
    at.invalid(versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`);
}

const URL_FORM = '; desired format: https://host[/path]';

function checkClient({ url, service }: Json, at: At): void {
  if ((url === undefined) === (service === undefined)) {
    at.required('exactly one of url or service is required');
    return;
  }
  if (service !== undefined) return;
  const here = at.child('url');
  if (!URL.canParse(String(url))) {
    here.required(`url must be a valid URL: ${String(url)}${URL_FORM}`);
    return;
  }
  const parsed = new URL(String(url));
  if (parsed.protocol !== 'https:')
    here.invalid(parsed.protocol.slice(0, -1), `'https' is the only allowed URL scheme${URL_FORM}`);
  if (parsed.username !== '') here.invalid(parsed.username, 'user information is not permitted in the URL');
  if (parsed.hash !== '') here.invalid(parsed.hash.slice(1), 'fragments are not permitted in the URL');
  if (parsed.search !== '') here.invalid(parsed.search.slice(1), 'query parameters are not permitted in the URL');
}

/** `*` stands alone. */
const alone = (what: string) => (value: unknown, at: At) => {
  const list = value as string[];
  if (list.length > 1 && list.includes('*')) at.invalid(list, `if '*' is present, must not specify other ${what}`);
};
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const eachOperation = (value: unknown, at: At) =>
  (value as string[]).forEach((operation, index) => {
    if (!OPERATIONS.includes(operation)) at.item(index).notSupported(operation, OPERATIONS);
  });

const CONDITIONS_MAX = 64;

function checkPolicy(spec: Json, at: At): void {
  if (isEmpty(spec['validations']) && isEmpty(spec['auditAnnotations']))
    at.child('validations').required('validations or auditAnnotations must contain at least one item');
  const constraints = objectAt(spec, 'matchConstraints');
  if (spec['matchConstraints'] !== undefined && isEmpty(constraints['resourceRules']))
    at.child('matchConstraints').child('resourceRules').required();
  const conditions = listAt(spec, 'matchConditions').length;
  if (conditions > CONDITIONS_MAX) at.child('matchConditions').tooLong(`must have at most ${CONDITIONS_MAX} items`);
}

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

function checkValidation({ expression, message, reason }: Json, at: At): void {
  const text = String(message ?? '').trim();
  if (message !== undefined && message !== '' && text === '')
    at.child('message').invalid(message, 'message must be non-empty if specified');
  else if (/[\n\r]/.test(text)) at.child('message').invalid(message, 'must not contain line breaks');
  else if (text === '' && /[\n\r]/.test(String(expression ?? '').trim()))
    at.child('message').required('message must be specified if expression contains line breaks');
  if (!isEmpty(reason) && !REASONS.includes(String(reason))) at.child('reason').notSupported(reason, REASONS);
}

const GROUP_VERSION = /^(?:[^/]+\/)?[^/]+$/;

function groupVersion(value: unknown, at: At): void {
  if (!GROUP_VERSION.test(String(value))) at.invalid(value, `unexpected GroupVersion string: ${String(value)}`);
}

function validationActions(value: unknown, at: At): void {
  const actions = value as string[];
  actions.forEach((action, index) => {
    if (actions.indexOf(action) < index) at.item(index).duplicate(action);
  });
  if (actions.includes('Deny') && actions.includes('Warn'))
    at.invalid(
      actions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    );
}

function checkParamRef({ name, selector, parameterNotFoundAction }: Json, at: At): void {
  if (!isEmpty(name) && selector !== undefined) at.child('name').forbidden('name and selector are mutually exclusive');
  else if (isEmpty(name) && selector === undefined) at.required('one of name or selector must be specified');
  if (isEmpty(parameterNotFoundAction)) at.child('parameterNotFoundAction').required();
}

const RULE = {
  fields: {
    operations: ['required', alone('operations'), eachOperation],
    apiGroups: ['required', alone('API groups')],
    apiVersions: ['required', alone('API versions')],
    resources: ['required'],
  },
} as const;
const WEBHOOK = { fields: { name: ['required', fullyQualified] }, check: checkWebhook } as const;
const SERVICE = { fields: { name: ['required'], namespace: ['required'], port: [port] } } as const;

function checkIngress(spec: Json, at: At): void {
  if (isEmpty(spec['rules']) && spec['defaultBackend'] === undefined)
    at.invalid(spec['rules'] ?? null, 'either `defaultBackend` or `rules` must be specified');
}

function checkHost(value: unknown, at: At): void {
  const host = String(value);
  if (isIp(host)) at.invalid(host, 'must be a DNS name, not an IP address');
  for (const detail of (host.includes('*') ? wildcardSubdomain : dnsSubdomain)(host)) at.invalid(host, detail);
}

function checkIngressPath({ pathType, path = '' }: Json, at: At): void {
  if (pathType === undefined) {
    at.child('pathType').required('pathType must be specified');
    return;
  }
  const optional = pathType === 'ImplementationSpecific' && path === '';
  if (!optional && !String(path).startsWith('/')) at.child('path').invalid(path, 'must be an absolute path');
}

function checkBackend({ resource, service }: Json, at: At): void {
  if (resource && service) {
    at.invalid('', 'cannot set both resource and service backends');
    return;
  }
  if (!resource && !service) {
    at.invalid('', 'resource or service backend is required');
    return;
  }
  if (!service) return;
  const { name, port: target } = service as { name?: string; port?: { name?: string; number?: number } };
  if (!name) at.child('service').child('name').required();
  if (target?.name && target.number) at.invalid('', 'cannot set both port name & port number');
  else if (!target?.name && !target?.number) at.required('port name or number is required');
}

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const ENDPOINTS_MAX = 1000;

function checkSlice(slice: Json, at: At, scope: Scope): void {
  const type = slice['addressType'];
  if (isEmpty(type)) at.child('addressType').required();
  else if (!ADDRESS_TYPES.includes(String(type))) at.child('addressType').notSupported(type, ADDRESS_TYPES);
  if (scope.old) immutable(scope, at, slice, scope.old, ['addressType']);
  const endpoints = listAt(slice, 'endpoints');
  if (endpoints.length > ENDPOINTS_MAX) at.child('endpoints').tooLong(`must have at most ${ENDPOINTS_MAX} items`);
  endpoints.forEach((endpoint, index) => {
    const here = at.child('endpoints').item(index).child('addresses');
    const addresses = (endpoint['addresses'] as string[] | undefined) ?? [];
    if (addresses.length === 0) here.required('must contain at least 1 address');
    addresses.forEach((address, each) => {
      if (type !== 'FQDN' && !isIp(address))
        here.item(each).invalid(address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
    });
  });
}

const SLICE_PORT_NAME = (value: unknown, at: At) => {
  for (const detail of dnsLabel(String(value))) at.invalid(value, detail);
};

function checkStorageClass(object: Json, at: At, { old }: Scope): void {
  if (!old) return;
  const fixed = { parameters: 'parameters', provisioner: 'provisioner', reclaimPolicy: 'reclaimPolicy' };
  for (const field of Object.keys(fixed))
    if (!same(object[field], old[field])) at.child(field).forbidden(`updates to ${field} are forbidden.`);
}

function checkPriorityClass(object: Json, at: At, { old }: Scope): void {
  if (!old) return;
  for (const field of ['value', 'preemptionPolicy'])
    if (!same(object[field], old[field]))
      at.child(field).forbidden(field === 'value' ? 'may not be changed in an update.' : 'field is immutable');
}

function checkApiService(object: Json, at: At): void {
  const spec = objectAt(object, 'spec');
  const name = `${spec['version'] ?? ''}.${spec['group'] ?? ''}`;
  const given = objectAt(object, 'metadata')['name'];
  if (given !== undefined && given !== name)
    at.child('metadata').child('name').invalid(given, `must be \`spec.version+"."+spec.group\`: "${name}"`);
  if (spec['service'] !== undefined && spec['insecureSkipTLSVerify'] === true && !isEmpty(spec['caBundle']))
    at.child('spec').child('insecureSkipTLSVerify').invalid(true, 'may not be true if caBundle is present');
}

/** Access, admission, extension, networking above pods, storage, scheduling. */
export const CONTROL_RULES: RulesTable = {
  'rbac/v1.Role': { check: role(true) },
  'rbac/v1.ClusterRole': { check: role(false) },
  'rbac/v1.RoleBinding': { check: binding(true) },
  'rbac/v1.ClusterRoleBinding': { check: binding(false) },
  'admissionregistration/v1.MutatingWebhookConfiguration': { fields: { webhooks: [uniqueBy('name')] } },
  'admissionregistration/v1.ValidatingWebhookConfiguration': { fields: { webhooks: [uniqueBy('name')] } },
  'admissionregistration/v1.MutatingWebhook': WEBHOOK,
  'admissionregistration/v1.ValidatingWebhook': WEBHOOK,
  'admissionregistration/v1.RuleWithOperations': RULE,
  'admissionregistration/v1.NamedRuleWithOperations': RULE,
  'admissionregistration/v1.ServiceReference': SERVICE,
  'admissionregistration/v1.MatchCondition': { fields: { name: ['required', form(qualifiedName)] } },
  'admissionregistration/v1.ValidatingAdmissionPolicySpec': {
    fields: { matchConstraints: ['required'] },
    check: checkPolicy,
  },
  'admissionregistration/v1.ParamKind': { fields: { apiVersion: ['required', groupVersion], kind: ['required'] } },
  'admissionregistration/v1.Validation': { check: checkValidation },
  'admissionregistration/v1.AuditAnnotation': { fields: { key: ['required', form(qualifiedName)] } },
  'admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec': {
    fields: { policyName: ['required'], validationActions: ['required', validationActions] },
  },
  'admissionregistration/v1.ParamRef': { check: checkParamRef },
  'apiregistration/v1.APIService': { check: checkApiService },
  'apiregistration/v1.APIServiceSpec': {
    fields: {
      version: ['required', form(dns1035Label)],
      groupPriorityMinimum: [between(1, 20_000)],
      versionPriority: [between(1, 1000)],
    },
  },
  'apiregistration/v1.ServiceReference': SERVICE,
  'networking/v1.IngressSpec': { check: checkIngress },
  'networking/v1.IngressRule': { fields: { host: [checkHost] } },
  'networking/v1.HTTPIngressRuleValue': { fields: { paths: ['required'] } },
  'networking/v1.HTTPIngressPath': { check: checkIngressPath },
  'networking/v1.IngressBackend': { check: checkBackend },
  'networking/v1.IngressClassSpec': { fields: { controller: ['required'] } },
  'networking/v1.NetworkPolicyPort': { fields: { port: [portOrName], endPort: [port] } },
  'networking/v1.NetworkPolicyPeer': {
    check: (peer, at) => {
      const selects = peer['podSelector'] !== undefined || peer['namespaceSelector'] !== undefined;
      if (!selects && peer['ipBlock'] === undefined) at.required('must specify a peer');
      if (selects && peer['ipBlock'] !== undefined)
        at.child('ipBlock').forbidden('may not specify both ipBlock and another peer');
    },
  },
  'networking/v1.IPBlock': { fields: { cidr: ['required'] } },
  'discovery/v1.EndpointSlice': { check: checkSlice },
  'discovery/v1.EndpointPort': {
    fields: { name: [SLICE_PORT_NAME], protocol: ['required', oneOf('SCTP', 'TCP', 'UDP')] },
  },
  'storage/v1.StorageClass': { fields: { provisioner: ['required'] }, check: checkStorageClass },
  'scheduling/v1.PriorityClass': { check: checkPriorityClass },
  'certificates/v1.CertificateSigningRequestSpec': {
    fields: { request: ['required'], signerName: ['required'], usages: ['required'], expirationSeconds: [nonNegative] },
  },
  'node/v1.RuntimeClass': { fields: { handler: ['required', form(dnsLabel)] } },
};
