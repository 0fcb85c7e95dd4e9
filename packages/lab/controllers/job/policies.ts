/** What a Job says about failures and successes besides counting them: podFailurePolicy, limits per index, successPolicy. */
import { conditionOf, type Job, type Pod } from '../../kinds/index.ts';
import { parseIndexes } from './indexes.ts';

/** Annotation with the failures of an index before this pod. */
export const FAILURE_COUNT_KEY = 'batch.kubernetes.io/job-index-failure-count';
const JOB_CONTROLLER = 'kubernetes.io/job-controller';

/** What becomes of a failed pod: counted, not counted, or the end of its index or of the Job. */
export interface FailureAction {
  readonly action: 'Count' | 'Ignore' | 'FailIndex' | 'FailJob';
  /** Why, for FailJob. */
  readonly message: string;
}

const COUNT: FailureAction = { action: 'Count', message: '' };

/** The first rule that a failed pod matches decides. */
export function failureAction({ spec }: Job, pod: Pod): FailureAction {
  const rules = spec.podFailurePolicy?.rules ?? [];
  for (const [index, { action, onExitCodes, onPodConditions }] of rules.entries()) {
    const why = onExitCodes ? matchedExit(pod, onExitCodes) : matchedCondition(pod, onPodConditions ?? []);
    if (why) return { action, message: `${why} matching ${action} rule at index ${index}` };
  }
  return COUNT;
}

type ExitRule = NonNullable<NonNullable<Job['spec']['podFailurePolicy']>['rules'][number]['onExitCodes']>;

function matchedExit(pod: Pod, { containerName, operator, values }: ExitRule): string | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const code = state?.terminated?.exitCode ?? 0;
    // Success is no failure, whatever a rule with NotIn would say of it.
    if (code === 0 || (containerName !== undefined && name !== containerName)) continue;
    if (values.includes(code) === (operator === 'In'))
      return `Container ${name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function matchedCondition(pod: Pod, patterns: readonly { type: string; status: string }[]): string | undefined {
  const found = patterns.find(({ type, status }) => conditionOf(pod.status?.conditions, type)?.status === status);
  return found && `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${found.type}`;
}

/** How often a pod's index had failed before it. */
export const failuresBefore = (pod: Pod): number => Number(pod.metadata.annotations?.[FAILURE_COUNT_KEY] ?? 0);

/** Whether an index has failed for good with this pod. */
export const isLastFailure = ({ spec }: Job, pod: Pod): boolean =>
  spec.backoffLimitPerIndex !== undefined && failuresBefore(pod) >= spec.backoffLimitPerIndex;

/** Which rule of the success policy is met by these indexes; undefined where none is. */
export function metSuccessRule({ spec }: Job, succeeded: ReadonlySet<number>): number | undefined {
  const rules = spec.successPolicy?.rules ?? [];
  const met = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes);
    const seen = wanted ? [...wanted].filter((index) => succeeded.has(index)).length : succeeded.size;
    return seen >= (succeededCount ?? wanted?.size ?? Number.POSITIVE_INFINITY);
  });
  return met === -1 ? undefined : met;
}

/** Whether a pod that is being deleted keeps its place until it has ended. */
export const waitsForEnd = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;

/** Whether somebody else takes care of the Job. */
export const isForeign = ({ spec }: Job): boolean => spec.managedBy !== undefined && spec.managedBy !== JOB_CONTROLLER;
