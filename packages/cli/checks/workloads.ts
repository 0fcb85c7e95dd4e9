import {
  type KubeObject,
  NAMESPACES,
  type ObjectMeta,
  type Pod,
  type PodSpec,
  SERVICES,
  type Service,
} from '#api/kube';
import { type BadAnnotation, badServiceAnnotations, readAnnotations } from '#model/annotations';
import { type Check, CheckFailure } from './check.ts';
import { resolveOpaque } from './opaque.ts';
import type { CheckSubject } from './subject.ts';

const EXPORTED = 'mirror.linkerd.io/exported';

/** With --proxy: labels and annotations of what is meshed mean what their authors think. */
export function workloadChecks(
  subject: CheckSubject,
  namespace: string | undefined,
  pods: () => Promise<Pod[]>,
): Check[] {
  const inNamespace = namespace === undefined ? {} : { namespace };
  const services = async () => (await (await subject.client()).list<Service>(SERVICES, inNamespace)).items;
  return [
    {
      description: 'data plane pod labels are configured correctly',
      anchor: 'l5d-data-plane-pod-labels',
      remedy: 'No meshed pod carries as a label what is an annotation. Move it to the annotations of the pod template.',
      severity: 'warning',
      run: async () =>
        refuse('Some labels on data plane pods should be annotations:', (await pods()).flatMap(misplaced)),
    },
    {
      description: 'data plane service labels are configured correctly',
      anchor: 'l5d-data-plane-services-labels',
      remedy: 'No Service carries as a label what is an annotation. Move it.',
      severity: 'warning',
      run: async () =>
        refuse('Some labels on data plane services should be annotations:', (await services()).flatMap(misplaced)),
    },
    {
      description: 'data plane service annotations are configured correctly',
      anchor: 'l5d-data-plane-services-annotations',
      remedy: `No Service carries ${EXPORTED} as an annotation: it is a label, and selects what is mirrored. Move it.`,
      severity: 'warning',
      async run() {
        const wrong = (await services()).filter(({ metadata }) => metadata.annotations?.[EXPORTED] !== undefined);
        refuse(
          'Some annotations on data plane services should be labels:',
          wrong.map(({ metadata }) => `${metadata.namespace}/${metadata.name}: ${EXPORTED} must be a label`),
        );
      },
    },
    {
      description: 'opaque ports are properly annotated',
      anchor: 'linkerd-opaque-ports-definition',
      remedy:
        'A port that a Service says is opaque is so in the pods that it leads to, and the other way round: else clients and servers read the same bytes differently. Write config.linkerd.io/opaque-ports on both.',
      severity: 'warning',
      run: async () => refuse('Opaque ports that only one side knows:', mismatches(await services(), await pods())),
    },
    {
      description: 'data plane annotations are understood',
      anchor: 'weft-data-plane-annotations',
      remedy:
        'Every annotation under config.linkerd.io/ of meshed pods, their namespaces and Services is known, and its value can be read. What is named has no effect: the default is in force. See the page of annotations.',
      severity: 'warning',
      async run() {
        const { items } = await (await subject.client()).list<KubeObject>(NAMESPACES, { metadataOnly: true });
        const spaces = items.filter(({ metadata }) => namespace === undefined || metadata.name === namespace);
        refuse('Some annotations have no effect:', badAnnotations(spaces, await services(), await pods()));
      },
    },
  ];
}

function refuse(headline: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new CheckFailure(headline, problems);
}

/** Annotations that stand among the labels. */
const misplaced = ({ metadata }: { metadata: ObjectMeta }): string[] =>
  Object.keys(metadata.labels ?? {})
    .filter((key) => key === 'linkerd.io/inject' || /^config\.((alpha|beta)\.)?linkerd\.io\//.test(key))
    .map((key) => `${metadata.namespace}/${metadata.name}: ${key} must be an annotation`);

// --- opaque ports -------------------------------------------------------------------------------------------------------

function mismatches(services: readonly Service[], pods: readonly Pod[]): string[] {
  return services.flatMap((service) => {
    const selector = Object.entries(service.spec?.selector ?? {});
    if (selector.length === 0) return [];
    const backend = pods.filter(
      ({ metadata }) =>
        metadata.namespace === service.metadata.namespace &&
        selector.every(([key, value]) => metadata.labels?.[key] === value),
    );
    // The pods of one workload are alike: what is wrong with all is said once.
    return [...new Set(backend.flatMap((pod) => resolveOpaque(service, pod as Pod & { spec?: PodSpec })))];
  });
}

// --- annotations --------------------------------------------------------------------------------------------------------

/** Objects named for one problem; more are counted. */
const NAMES_MAX = 3;

/** A line a problem, with those that have it. */
function badAnnotations(
  namespaces: readonly KubeObject[],
  services: readonly Service[],
  pods: readonly Pod[],
): string[] {
  const found = new Map<string, string[]>();
  const note = (name: string, problems: readonly BadAnnotation[]) => {
    for (const { message } of problems) found.set(message, [...(found.get(message) ?? []), name]);
  };
  for (const { metadata } of namespaces)
    note(`namespace ${metadata.name}`, readAnnotations(metadata.annotations ?? {}).bad);
  for (const { metadata } of services)
    note(`service ${metadata.namespace}/${metadata.name}`, badServiceAnnotations(metadata.annotations ?? {}));
  for (const { metadata } of pods)
    note(`pod ${metadata.namespace}/${metadata.name}`, readAnnotations(metadata.annotations ?? {}).bad);
  return [...found].map(([message, names]) => {
    const more = names.length - NAMES_MAX;
    return `${message} (${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
  });
}
