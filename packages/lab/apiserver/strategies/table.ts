import type { AnyObject } from '#api/kube';
import type { Cel } from '#lab/cel';
import type { Store } from '#lab/store';
import { cause } from '../errors.ts';
import { sameJson } from '../object-meta.ts';
import { valueAt } from '../paths.ts';
import type { Resource, Strategy } from '../resource.ts';
import { admissionPolicyStrategy, webhookConfigurationStrategy } from './admission-policies.ts';
import { eventStrategy } from './events.ts';
import { namespaceStrategy } from './namespaces.ts';
import { podStrategy } from './pods.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import { serviceStrategy } from './services.ts';

/** What strategies need of the rest of the server. */
export interface StrategyDeps {
  readonly store: Store;
  readonly nowMs: () => number;
  readonly addresses: ServiceAddresses;
  /** How CustomResourceDefinitions are written. */
  readonly definitions: Strategy;
  readonly cel: Cel;
  /** The resources that are served now. */
  readonly resources: () => readonly Resource[];
}

const EMPTY_STATUS: Strategy = { initialStatus: () => ({}) };
/** PUT creates what is absent. */
const CREATE_ON_UPDATE: Strategy = { createOnUpdate: true };
/** PUT must name the revision that it replaces. */
const CONDITIONAL: Strategy = { unconditionalUpdate: false };

/** The selector of a workload is fixed at creation. */
const fixed = (path: string, initialStatus: () => unknown): Strategy => ({
  initialStatus,
  validate: (object: AnyObject, old?: AnyObject) => {
    const [now, before] = [valueAt(object, path), old && valueAt(old, path)];
    return old && !sameJson(now, before) ? [cause.invalid(path, now, 'field is immutable')] : [];
  },
});

/** One row per stored resource that departs from the common path; others have none. */
export function builtinStrategies({
  store,
  nowMs,
  addresses,
  definitions,
  cel,
  resources,
}: StrategyDeps): Readonly<Record<string, Strategy>> {
  return {
    '/pods': podStrategy,
    '/namespaces': namespaceStrategy,
    '/services': serviceStrategy(addresses),
    '/nodes': { initialStatus: (node) => node['status'] ?? {} },
    '/persistentvolumes': { initialStatus: () => ({ phase: 'Pending' }), returnsDeleted: true },
    '/persistentvolumeclaims': { initialStatus: () => ({ phase: 'Pending' }), returnsDeleted: true },
    '/resourcequotas': EMPTY_STATUS,
    '/events': eventStrategy(store, nowMs),
    '/endpoints': CREATE_ON_UPDATE,
    '/replicationcontrollers': { initialStatus: () => ({ replicas: 0 }) },
    'apps/deployments': fixed('spec.selector', () => ({})),
    'apps/replicasets': fixed('spec.selector', () => ({ replicas: 0 })),
    'apps/daemonsets': fixed('spec.selector', () => ({
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    })),
    'apps/statefulsets': fixed('spec.selector', () => ({ replicas: 0, availableReplicas: 0 })),
    'batch/jobs': EMPTY_STATUS,
    'batch/cronjobs': EMPTY_STATUS,
    'autoscaling/horizontalpodautoscalers': { initialStatus: () => ({ currentMetrics: null, desiredReplicas: 0 }) },
    'policy/poddisruptionbudgets': {
      unconditionalUpdate: false,
      initialStatus: () => ({
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
      }),
    },
    'networking.k8s.io/ingresses': { initialStatus: () => ({ loadBalancer: {} }) },
    'coordination.k8s.io/leases': { createOnUpdate: true, unconditionalUpdate: false },
    'rbac.authorization.k8s.io/roles': CREATE_ON_UPDATE,
    'rbac.authorization.k8s.io/clusterroles': CREATE_ON_UPDATE,
    'rbac.authorization.k8s.io/rolebindings': fixedRoleRef(),
    'rbac.authorization.k8s.io/clusterrolebindings': fixedRoleRef(),
    'apiextensions.k8s.io/customresourcedefinitions': definitions,
    'apiregistration.k8s.io/apiservices': { unconditionalUpdate: false, initialStatus: () => ({}) },
    'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhookConfigurationStrategy(cel),
    'admissionregistration.k8s.io/validatingwebhookconfigurations': webhookConfigurationStrategy(cel),
    'admissionregistration.k8s.io/validatingadmissionpolicies': admissionPolicyStrategy(cel, resources),
    'admissionregistration.k8s.io/validatingadmissionpolicybindings': CONDITIONAL,
    'certificates.k8s.io/certificatesigningrequests': EMPTY_STATUS,
  };
}

function fixedRoleRef(): Strategy {
  return {
    createOnUpdate: true,
    validate: (binding, old) =>
      old && !sameJson(binding['roleRef'], old['roleRef'])
        ? [cause.invalid('roleRef', binding['roleRef'], 'cannot change roleRef')]
        : [],
  };
}
