import { type DefaultsTable, type Json, listAt, objectAt } from './rules.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const HTTPS_PORT = 443;

const WEBHOOK: Json = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
};
const MATCH = { fields: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} } };
const PORT = { fields: { port: HTTPS_PORT } };

const bindRole: (binding: Json) => void = (binding) => {
  objectAt(binding, 'roleRef')['apiGroup'] ||= RBAC_GROUP;
};

/** RoleRef.apiGroup is a required text: absent and empty are one. */
const BINDING = { fix: bindRole };

function fixSubject(subject: Json): void {
  if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] ||= RBAC_GROUP;
}

function fixPolicyTypes(spec: Json): void {
  if (listAt(spec, 'policyTypes').length > 0) return;
  spec['policyTypes'] = listAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function fixCrd(crd: Json): void {
  const status = objectAt(crd, 'status');
  if (listAt(status, 'storedVersions').length > 0) return;
  const storage = listAt(objectAt(crd, 'spec'), 'versions').find((version) => version['storage'] === true);
  if (storage) status['storedVersions'] = [storage['name']];
}

function fixNames(spec: Json): void {
  const names = objectAt(spec, 'names');
  const kind = String(names['kind'] ?? '');
  if (kind === '') return;
  names['singular'] ??= kind.toLowerCase();
  names['listKind'] ??= `${kind}List`;
}

/** Kinds that configure the cluster: access, admission, extension, network policy, storage. */
export const CONTROL_DEFAULTS: DefaultsTable = {
  'rbac/v1.ClusterRoleBinding': BINDING,
  'rbac/v1.RoleBinding': BINDING,
  'rbac/v1.Subject': { fix: fixSubject },
  'authentication/v1.TokenRequestSpec': { fields: { expirationSeconds: 3600 } },
  'admissionregistration/v1.ValidatingWebhook': { fields: WEBHOOK },
  'admissionregistration/v1.MutatingWebhook': { fields: { ...WEBHOOK, reinvocationPolicy: 'Never' } },
  'admissionregistration/v1.RuleWithOperations': { fields: { scope: '*' } },
  'admissionregistration/v1.NamedRuleWithOperations': { fields: { scope: '*' } },
  'admissionregistration/v1.ServiceReference': PORT,
  'admissionregistration/v1.ValidatingAdmissionPolicySpec': { fields: { failurePolicy: 'Fail' } },
  'admissionregistration/v1.MatchResources': MATCH,
  'apiextensions/v1.CustomResourceDefinition': { fix: fixCrd },
  'apiextensions/v1.CustomResourceDefinitionSpec': { fields: { conversion: { strategy: 'None' } }, fix: fixNames },
  'apiextensions/v1.ServiceReference': PORT,
  'apiregistration/v1.ServiceReference': PORT,
  'networking/v1.NetworkPolicySpec': { fix: fixPolicyTypes },
  'networking/v1.NetworkPolicyPort': { fields: { protocol: 'TCP' } },
  'networking/v1.IngressClassParametersReference': { fields: { scope: 'Cluster' } },
  'storage/v1.StorageClass': { fields: { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' } },
  'storage/v1.CSIDriverSpec': {
    fields: {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
    },
  },
  'scheduling/v1.PriorityClass': { fields: { preemptionPolicy: 'PreemptLowerPriority' } },
};
