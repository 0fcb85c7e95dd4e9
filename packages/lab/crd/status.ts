/** The status of CRDs: which names are accepted, whether it is established, which versions were ever stored. */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '#api/kube';
import { equalJson } from '../patch/json.ts';

type Condition = CustomResourceDefinitionCondition;

/**
 * The status that `crd` should have, given all other CRDs of the cluster. Pure: equal input gives an equal status, so that
 * the caller writes only on change. Names that another CRD of the group was granted before are refused.
 */
export function reconcileStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  nowIso: string,
): CustomResourceDefinitionStatus {
  const { accepted, condition } = acceptNames(crd, takenNames(crd, others));
  const old = crd.status?.conditions ?? [];
  const namesAccepted = transition(old, condition, nowIso);
  const established = transition(old, establishedCondition(crd, condition), nowIso);
  const kept = old.filter(({ type }) => type !== 'NamesAccepted' && type !== 'Established');
  return {
    conditions: [namesAccepted, established, ...kept],
    acceptedNames: accepted,
    storedVersions: storedVersions(crd),
  };
}

/** True where the CRD's resources are to be served. */
export function isEstablished(crd: CustomResourceDefinition): boolean {
  return crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}

interface Taken {
  /** Plural, singular and short names. */
  readonly resources: ReadonlySet<string>;
  /** Kind and list kind. */
  readonly kinds: ReadonlySet<string>;
}

function takenNames(crd: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): Taken {
  const rivals = others.filter(
    (other) => other.spec.group === crd.spec.group && other.metadata.name !== crd.metadata.name,
  );
  const names = rivals.flatMap((other) => (other.status?.acceptedNames ? [other.status.acceptedNames] : []));
  return {
    resources: new Set(
      names
        .flatMap(({ plural, singular, shortNames }) => [plural, singular ?? '', ...(shortNames ?? [])])
        .filter(Boolean),
    ),
    kinds: new Set(names.flatMap(({ kind, listKind }) => [kind, listKind ?? '']).filter(Boolean)),
  };
}

/** Accepts each requested name unless it is taken; a refused one keeps its former value. */
function acceptNames(crd: CustomResourceDefinition, taken: Taken) {
  const wanted = crd.spec.names;
  const before = crd.status?.acceptedNames ?? { plural: '', kind: '' };
  const faults: { reason: string; message: string }[] = [];
  const choose = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    names: ReadonlySet<string>,
  ): string | undefined => {
    const name =
      wanted[field] ||
      (field === 'singular' ? wanted.kind.toLowerCase() : field === 'listKind' ? `${wanted.kind}List` : '');
    if (!names.has(name)) return name;
    faults.push({
      reason: `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`,
      message: `${JSON.stringify(name)} is already in use`,
    });
    return before[field];
  };
  const plural = choose('plural', taken.resources) ?? '';
  const singular = choose('singular', taken.resources);
  const clashes = (wanted.shortNames ?? []).filter((name) => taken.resources.has(name));
  for (const name of clashes)
    faults.push({ reason: 'ShortNamesConflict', message: `${JSON.stringify(name)} is already in use` });
  const shortNames = clashes.length === 0 ? wanted.shortNames : before.shortNames;
  const kind = choose('kind', taken.kinds) ?? '';
  const listKind = choose('listKind', taken.kinds);
  const accepted: CustomResourceDefinitionNames = {
    plural,
    kind,
    ...(singular ? { singular } : {}),
    ...(listKind ? { listKind } : {}),
    ...(shortNames && shortNames.length > 0 ? { shortNames } : {}),
    ...(wanted.categories && wanted.categories.length > 0 ? { categories: wanted.categories } : {}),
  };
  return { accepted, condition: namesCondition(faults) };
}

function namesCondition(faults: readonly { reason: string; message: string }[]): Condition {
  const last = faults.at(-1);
  if (last) return { type: 'NamesAccepted', status: 'False', ...last };
  return { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
}

/** Once established, a CRD stays so even if a later change of its names is refused. */
function establishedCondition(crd: CustomResourceDefinition, names: Condition): Condition {
  if (names.status === 'True' || isEstablished(crd))
    return {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    };
  return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
}

/** The old condition where nothing changed, the new one with its time where something did. */
function transition(old: readonly Condition[], next: Condition, nowIso: string): Condition {
  const before = old.find(({ type }) => type === next.type);
  if (!before) return { ...next, lastTransitionTime: nowIso };
  const { lastTransitionTime, ...rest } = before;
  if (equalJson(rest, next)) return before;
  const time = before.status === next.status ? lastTransitionTime : nowIso;
  return { ...next, ...(time ? { lastTransitionTime: time } : {}) };
}

function storedVersions(crd: CustomResourceDefinition): string[] {
  const before = crd.status?.storedVersions ?? [];
  const storage = crd.spec.versions.find((version) => version.storage)?.name;
  return storage === undefined || before.includes(storage) ? before : [...before, storage];
}
