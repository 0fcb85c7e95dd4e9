/** Expressions of admission: those that cannot be compiled are refused, and a policy's status tells what types say of the others. */
import type { AnyObject, MatchCondition, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec } from '#api/kube';
import {
  conditionFaults,
  type ExpressionFault,
  policyFaults,
  type SeenKind,
  typeWarnings,
} from '#lab/admission-policy';
import type { Cel } from '#lab/cel';
import { apiVersionOf } from '#lab/kinds';
import { cause, type FieldCause } from '../errors.ts';
import { kindType } from '../kind-type.ts';
import { sameJson } from '../object-meta.ts';
import type { Resource, Strategy } from '../resource.ts';

/** Of a policy. `resources` are those served now: what its rules mean. */
export function admissionPolicyStrategy(cel: Cel, resources: () => readonly Resource[]): Strategy {
  const statusOf = (policy: AnyObject) => {
    const spec = specOf(policy);
    const params = spec.paramKind && resources().find((resource) => isParams(resource, spec));
    const seen = resources().filter((resource) => means(spec, resource));
    const expressionWarnings = typeWarnings(spec, seen.map(seenKind), params && kindType(params), cel);
    return {
      observedGeneration: policy.metadata.generation ?? 1,
      typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {},
    };
  };
  return {
    unconditionalUpdate: false,
    // A spec that validation refuses must not be walked: its fields may be missing.
    initialStatus: () => ({}),
    validate: (policy, old) =>
      old && sameJson(old['spec'], policy['spec']) ? [] : policyFaults(specOf(policy), cel).map(causeOf),
    afterValidation: (policy, old) => {
      if (!old || !sameJson(old['spec'], policy['spec']))
        policy['status'] = { ...statusField(policy), ...statusOf(policy) };
    },
  };
}

const specOf = (policy: AnyObject): ValidatingAdmissionPolicySpec =>
  (policy as unknown as ValidatingAdmissionPolicy).spec ?? {};

const statusField = (policy: AnyObject): object => (policy['status'] as object | undefined) ?? {};

const isParams = ({ gvr, kind }: Resource, { paramKind }: ValidatingAdmissionPolicySpec): boolean =>
  kind === paramKind?.kind && apiVersionOf(gvr) === paramKind.apiVersion;

const seenKind = (resource: Resource): SeenKind => ({
  group: resource.gvr.group,
  version: resource.gvr.version,
  kind: resource.kind,
  type: kindType(resource),
});

/** Kinds that the rules name; `*` names none, as types could say too much then. */
function means({ matchConstraints }: ValidatingAdmissionPolicySpec, { gvr }: Resource): boolean {
  return (matchConstraints?.resourceRules ?? []).some(
    ({ apiGroups = [], apiVersions = [], resources = [] }) =>
      apiGroups.includes(gvr.group) && apiVersions.includes(gvr.version) && resources.includes(gvr.resource),
  );
}

/** Of a configuration of webhooks. */
export function webhookConfigurationStrategy(cel: Cel): Strategy {
  return {
    unconditionalUpdate: false,
    validate: (configuration, old) => {
      const hooks = hooksOf(configuration);
      const before = old ? hooksOf(old) : [];
      return hooks.flatMap(({ matchConditions }, at) =>
        before.some((hook) => sameJson(hook.matchConditions, matchConditions))
          ? []
          : conditionFaults(matchConditions, `webhooks[${at}].matchConditions`, cel).map(causeOf),
      );
    },
  };
}

const hooksOf = (configuration: AnyObject): readonly { matchConditions?: readonly MatchCondition[] }[] =>
  (configuration['webhooks'] ?? []) as readonly { matchConditions?: readonly MatchCondition[] }[];

function causeOf({ kind, field, value, detail }: ExpressionFault): FieldCause {
  if (kind === 'required') return cause.required(field, detail);
  return kind === 'duplicate' ? cause.duplicate(field, value) : cause.invalid(field, value, detail);
}
