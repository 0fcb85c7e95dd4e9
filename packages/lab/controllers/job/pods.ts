import type { Job, Pod } from '../../kinds/index.ts';
import { type PodOwner, podFromTemplate } from '../pod-template.ts';
import { FAILURE_COUNT_KEY } from './policies.ts';

/** Keeps a finished pod until the Job has counted it. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
/** Label and annotation with a pod's index in an Indexed Job. */
export const INDEX_KEY = 'batch.kubernetes.io/job-completion-index';

const UID_LABEL = 'batch.kubernetes.io/controller-uid';
const NAME_LABEL = 'batch.kubernetes.io/job-name';

export const asOwner = (job: Job): PodOwner => ({ owner: job, apiVersion: 'batch/v1', kind: 'Job' });

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';

/** The index of a pod of an Indexed Job. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX_KEY];
  return text === undefined || !/^[0-9]+$/.test(text) ? undefined : Number(text);
}

/**
 * A pod for a Job, with the labels that clients find it by and the finalizer that keeps it until it is counted. `failures`: of its
 * index so far, where these are limited.
 */
export function buildPod(job: Job, index: number | undefined, failures = 0): Pod {
  const pod = podFromTemplate(asOwner(job), job.spec.template);
  const { name = '', uid = '' } = job.metadata;
  const labels = {
    ...pod.metadata.labels,
    [UID_LABEL]: uid,
    'controller-uid': uid,
    [NAME_LABEL]: name,
    'job-name': name,
  };
  const finalizers = [...(pod.metadata.finalizers ?? []), TRACKING_FINALIZER];
  const metadata = { ...pod.metadata, labels, finalizers };
  if (index === undefined) return { ...pod, metadata };
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: `${name}-${index}-`,
      labels: { ...labels, [INDEX_KEY]: String(index) },
      annotations: {
        ...metadata.annotations,
        [INDEX_KEY]: String(index),
        ...(job.spec.backoffLimitPerIndex !== undefined && { [FAILURE_COUNT_KEY]: String(failures) }),
      },
    },
    spec: {
      ...pod.spec,
      hostname: `${name}-${index}`,
      containers: pod.spec.containers.map(withIndexEnv),
      ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map(withIndexEnv) }),
    },
  };
}

const INDEX_ENV = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${INDEX_KEY}']` } },
};

function withIndexEnv<C extends Pod['spec']['containers'][number]>(container: C): C {
  const env = (container['env'] ?? []) as { name: string }[];
  return env.some(({ name }) => name === INDEX_ENV.name) ? container : { ...container, env: [...env, INDEX_ENV] };
}
