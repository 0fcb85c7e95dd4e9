import type {
  APIService,
  CertificateSigningRequest,
  ClusterRoleBinding,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  CustomResourceDefinition,
  KubeObject,
  NodeMetrics,
  PodMetrics,
  PriorityClass,
  RoleBinding,
  RuntimeClass,
  StorageClass,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  VolumeAttachment,
} from '#api/kube';
import { humanDuration } from './age.ts';
import { ageOf, NONE, nameOf, type Printer, printer, selectorText, UNSET } from './printer.ts';

const BINDING = 'Name|Role|Age|Users+|Groups+|ServiceAccounts+';

function bindingCells(object: RoleBinding | ClusterRoleBinding, nowMs: number): unknown[] {
  const namesOf = (kind: string) =>
    (object.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ namespace = '', name }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
  const role = `${object.roleRef.kind}/${object.roleRef.name}`;
  return [nameOf(object), role, ageOf(object, nowMs), namesOf('User'), namesOf('Group'), namesOf('ServiceAccount')];
}

function csrState({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type);
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${verdict}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}

function availableText({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available');
  if (!condition) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

const WEBHOOKS = printer<KubeObject & { webhooks?: unknown[] }>('Name|Webhooks:i|Age', (object, nowMs) => [
  nameOf(object),
  object.webhooks?.length ?? 0,
  ageOf(object, nowMs),
]);

/** The parameters of a policy binding; those without a namespace may be in any. */
function paramText({ spec }: ValidatingAdmissionPolicyBinding): string {
  const param = spec?.paramRef;
  if (param?.name) return `${param.namespace || '*'}/${param.name}`;
  return param?.selector ? selectorText(param.selector) : UNSET;
}

const CREATED = printer<KubeObject>('Name|Created At:d', (object) => [
  nameOf(object),
  object.metadata.creationTimestamp ?? '',
]);

const USAGE = 'Name|cpu|memory|Window';

/** Access, admission, extension, storage and scheduling. */
export const CONTROL: Readonly<Record<string, Printer>> = {
  'rbac.authorization.k8s.io/v1/Role': CREATED,
  'rbac.authorization.k8s.io/v1/ClusterRole': CREATED,
  'rbac.authorization.k8s.io/v1/RoleBinding': printer<RoleBinding>(BINDING, bindingCells),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': printer<ClusterRoleBinding>(BINDING, bindingCells),
  'apiextensions.k8s.io/v1/CustomResourceDefinition': printer<CustomResourceDefinition>(
    'Name|Created At:d',
    (object) => [nameOf(object), object.metadata.creationTimestamp ?? ''],
  ),
  'apiregistration.k8s.io/v1/APIService': printer<APIService>('Name|Service|Available|Age', (object, nowMs) => {
    const service = object.spec?.service;
    return [
      nameOf(object),
      service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local',
      availableText(object),
      ageOf(object, nowMs),
    ];
  }),
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': WEBHOOKS,
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': WEBHOOKS,
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': printer<ValidatingAdmissionPolicy>(
    'Name|Validations:i|ParamKind|Age',
    (object, nowMs) => {
      const kind = object.spec?.paramKind;
      const validations = object.spec?.validations?.length ?? 0;
      return [nameOf(object), validations, kind ? `${kind.apiVersion}/${kind.kind}` : UNSET, ageOf(object, nowMs)];
    },
  ),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': printer<ValidatingAdmissionPolicyBinding>(
    'Name|PolicyName|ParamRef|Age',
    (object, nowMs) => [nameOf(object), object.spec?.policyName ?? '', paramText(object), ageOf(object, nowMs)],
  ),
  'certificates.k8s.io/v1/CertificateSigningRequest': printer<CertificateSigningRequest>(
    'Name|Age|SignerName|Requestor|RequestedDuration|Condition',
    (object, nowMs) => [
      nameOf(object),
      ageOf(object, nowMs),
      object.spec.signerName || NONE,
      object.spec.username ?? '',
      object.spec.expirationSeconds === undefined ? NONE : humanDuration(object.spec.expirationSeconds * 1000),
      csrState(object),
    ],
  ),
  'storage.k8s.io/v1/StorageClass': printer<StorageClass>(
    'Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age',
    (object, nowMs) => {
      const isDefault = object.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
      return [
        `${nameOf(object)}${isDefault ? ' (default)' : ''}`,
        object.provisioner,
        object.reclaimPolicy ?? 'Delete',
        object.volumeBindingMode ?? 'Immediate',
        object.allowVolumeExpansion ?? false,
        ageOf(object, nowMs),
      ];
    },
  ),
  'storage.k8s.io/v1/VolumeAttachment': printer<VolumeAttachment>(
    'Name|Attacher|PV|Node|Attached:b|Age',
    (object, nowMs) => [
      nameOf(object),
      object.spec.attacher,
      object.spec.source.persistentVolumeName ?? '',
      object.spec.nodeName,
      object.status?.attached ?? false,
      ageOf(object, nowMs),
    ],
  ),
  'storage.k8s.io/v1/CSINode': printer<CSINode>('Name|Drivers:i|Age', (object, nowMs) => [
    nameOf(object),
    object.spec.drivers?.length ?? 0,
    ageOf(object, nowMs),
  ]),
  'storage.k8s.io/v1/CSIDriver': printer<CSIDriver>(
    'Name|AttachRequired:b|PodInfoOnMount:b|StorageCapacity:b|TokenRequests|RequiresRepublish:b|Modes|Age',
    ({ metadata, spec }, nowMs) => [
      metadata.name ?? '',
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? UNSET,
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(',') || NONE,
      ageOf({ metadata }, nowMs),
    ],
  ),
  'storage.k8s.io/v1/CSIStorageCapacity': printer<CSIStorageCapacity>('Name|StorageClassName|Capacity', (object) => [
    nameOf(object),
    object.storageClassName,
    object.capacity ?? UNSET,
  ]),
  'scheduling.k8s.io/v1/PriorityClass': printer<PriorityClass>(
    'Name|Value:i|Global-Default:b|Age|PreemptionPolicy',
    (object, nowMs) => [
      nameOf(object),
      object.value,
      object.globalDefault ?? false,
      ageOf(object, nowMs),
      object.preemptionPolicy ?? '',
    ],
  ),
  'node.k8s.io/v1/RuntimeClass': printer<RuntimeClass>('Name|Handler|Age', (object, nowMs) => [
    nameOf(object),
    object.handler,
    ageOf(object, nowMs),
  ]),
  'metrics.k8s.io/v1beta1/NodeMetrics': printer<NodeMetrics>(USAGE, (object) => [
    nameOf(object),
    object.usage?.['cpu'] ?? '0',
    object.usage?.['memory'] ?? '0',
    object.window,
  ]),
  'metrics.k8s.io/v1beta1/PodMetrics': printer<PodMetrics>('Name|Containers|Window', (object) => [
    nameOf(object),
    (object.containers ?? []).map(({ name }) => name).join(','),
    object.window,
  ]),
};
