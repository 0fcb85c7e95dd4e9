/** Reading a workload's annotations with the catalogue, and saying what is wrong with them. */

import { ENDPOINT_ANNOTATIONS, type EndpointAnnotation } from './balancer.ts';
import { ANNOTATIONS, type AnnotationName, type AnnotationRow } from './catalogue.ts';
import { KINDS } from './kinds.ts';
import { MULTICLUSTER_ANNOTATIONS } from './multicluster.ts';

/** The values of a workload's annotations; absent where not set or malformed. */
export type AnnotationValues = {
  readonly [N in AnnotationName]?: NonNullable<ReturnType<(typeof ANNOTATIONS)[N]['parse']>>;
};

/** An annotation that has no effect: its value could not be read, or no part of the mesh knows its key. */
export interface BadAnnotation {
  key: string;
  value: string;
  /** A sentence for the operator. */
  message: string;
}

type Annotations = Readonly<Record<string, string>>;
const ROWS = Object.entries<AnnotationRow>(ANNOTATIONS);

/** Reads all annotations that the table knows. Keys that are not the mesh's are not looked at. */
export function readAnnotations(annotations: Annotations): { values: AnnotationValues; bad: BadAnnotation[] } {
  const values: Record<string, unknown> = {};
  const bad: BadAnnotation[] = [];
  for (const [name, row] of ROWS) {
    const value = annotations[row.key];
    if (value === undefined) continue;
    const parsed = row.parse(value);
    if (parsed !== undefined) values[name] = parsed;
    else bad.push(misread(row, value));
  }
  return { values: values as AnnotationValues, bad: [...bad, ...unknownAnnotations(annotations)] };
}

const misread = (row: Pick<AnnotationRow, 'key' | 'expects'>, value: string): BadAnnotation => ({
  key: row.key,
  value,
  message: `${row.key}: expected ${row.expects}, got "${value}"; ignored`,
});

const BY_KEY = new Map(ROWS.map(([, row]) => [row.key, row]));
/** Where only the catalogue's keys mean something. */
const OURS = /^config\.((alpha|beta)\.)?linkerd\.io\//;
/** Not about injection, but the mesh's. */
const OTHER_KEYS: readonly string[] = ['config.linkerd.io/admission-webhooks'];

/** Keys in the prefixes of proxy settings that nothing knows, with the key that was most likely meant. */
function unknownAnnotations(annotations: Annotations): BadAnnotation[] {
  return Object.entries(annotations)
    .filter(([key]) => OURS.test(key) && !BY_KEY.has(key) && !OTHER_KEYS.includes(key))
    .map(([key, value]) => {
      const meant = nearest(key);
      return { key, value, message: `${key}: not known${meant ? `; did you mean ${meant}?` : ''}; ignored` };
    });
}

const SERVICE_ROWS: readonly Pick<AnnotationRow, 'key' | 'expects' | 'parse'>[] = [
  { ...KINDS.ports, key: ANNOTATIONS.opaquePorts.key },
  ...Object.values<EndpointAnnotation<unknown>>(ENDPOINT_ANNOTATIONS).filter(({ on }) => on === 'Service'),
  ...Object.values<EndpointAnnotation<unknown>>(MULTICLUSTER_ANNOTATIONS),
];

/** What is wrong with the annotations of a Service, as far as they are about its endpoints. */
export function badServiceAnnotations(annotations: Annotations): BadAnnotation[] {
  return SERVICE_ROWS.flatMap((row) => {
    const value = annotations[row.key];
    return value === undefined || row.parse(value) !== undefined ? [] : [misread(row, value)];
  });
}

/** Further apart, a key is not a slip of another. */
const SLIPS_MAX = 3;

/** The known key that differs by the fewest letters. */
function nearest(key: string): string | undefined {
  let best: { key: string; slips: number } | undefined;
  for (const known of BY_KEY.keys()) {
    const slips = distance(key, known);
    if (slips <= SLIPS_MAX && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { key: known, slips };
  }
  return best?.key;
}

/** Letters to insert, remove or replace to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
