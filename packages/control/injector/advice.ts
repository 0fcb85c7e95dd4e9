/** What is wrong with annotations of objects that make pods, before there are any: warnings for whoever writes them. */
import type { AnyObject, ObjectMeta } from '#api/kube';
import { ANNOTATIONS, type BadAnnotation, badServiceAnnotations, readAnnotations } from '#model/annotations';

type Annotations = Readonly<Record<string, string>>;

/** Kinds that make pods, and where their pods' metadata stand. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'metadata'],
  DaemonSet: ['spec', 'template', 'metadata'],
  Deployment: ['spec', 'template', 'metadata'],
  Job: ['spec', 'template', 'metadata'],
  ReplicationController: ['spec', 'template', 'metadata'],
  StatefulSet: ['spec', 'template', 'metadata'],
};

/** Sentences about an object; undefined for a kind that this is not about. */
export function adviceFor(object: AnyObject): string[] | undefined {
  const { kind = '' } = object;
  const own = object.metadata?.annotations ?? {};
  if (kind === 'Namespace') return messages(readAnnotations(own).bad);
  if (kind === 'Service') return messages(badServiceAnnotations(own));
  const path = TEMPLATES[kind];
  if (!path) return undefined;
  const metadata = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object);
  const annotations = (metadata as ObjectMeta | undefined)?.annotations ?? {};
  return [...messages(readAnnotations(annotations).bad), ...misplaced(own, `${path.join('.')}.annotations`)];
}

const messages = (bad: readonly BadAnnotation[]): string[] => bad.map(({ message }) => message);

const KEYS: ReadonlySet<string> = new Set(Object.values(ANNOTATIONS).map(({ key }) => key));

/** Annotations of a workload itself say nothing to its pods. */
const misplaced = (own: Annotations, place: string): string[] =>
  Object.keys(own)
    .filter((key) => KEYS.has(key))
    .map((key) => `${key}: has no effect here; pods are annotated in ${place}`);
