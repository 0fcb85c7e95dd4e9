/** The catalogue as a JSON schema (draft 2020-12) of the `annotations` of a pod template or namespace, for editors and CI. */
import { ANNOTATIONS, type AnnotationRow, TRACE_ATTRIBUTE_PREFIX } from './catalogue.ts';

/** The schema's document. */
export function annotationSchema(): object {
  const properties = Object.values<AnnotationRow>(ANNOTATIONS).map(({ key, doc, expects, schema }) => [
    key,
    { type: 'string', description: `${doc} Expected: ${expects}.`, ...schema },
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Annotations of meshed workloads',
    type: 'object',
    properties: Object.fromEntries(properties),
    patternProperties: {
      [`^${TRACE_ATTRIBUTE_PREFIX.replaceAll('.', '\\.')}.+$`]: {
        type: 'string',
        description: "An attribute of the spans of the pod's proxy.",
      },
    },
    // A key of ours that the table lacks is a slip.
    propertyNames: { not: { pattern: unknownKeys() } },
    additionalProperties: { type: 'string' },
  };
}

/** Matches the keys in the prefixes of proxy settings that no row has. */
function unknownKeys(): string {
  const known = Object.values<AnnotationRow>(ANNOTATIONS)
    .map(({ key }) => key)
    .filter((key) => key.startsWith('config.'));
  const alternatives = [...known, 'config.linkerd.io/admission-webhooks'].map((key) => key.replaceAll('.', '\\.'));
  return `^(?!(${alternatives.join('|')})$)config\\.((alpha|beta)\\.)?linkerd\\.io/`;
}
