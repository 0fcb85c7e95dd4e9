import { ANNOTATIONS, type AnnotationRow, parseQuantity } from '#model/annotations';
import { UserError } from '../context.ts';

/** A flag of `inject` that becomes an annotation of the pod template. */
export interface InjectFlag {
  /** As commander reads it: `--proxy-uid <uid>`. */
  flag: string;
  doc: string;
  /** An older spelling that help does not show. */
  hidden?: boolean;
  /** The annotations that it stands for. */
  annotations(text: string): Record<string, string>;
}

const { proxyCpuRequest, proxyImage, debugImage, proxyMemoryRequest } = ANNOTATIONS;
/** Linkerd's older spellings. */
const FORMER: readonly InjectFlag[] = [
  { flag: '--proxy-cpu <quantity>', hidden: true, doc: '', annotations: (text) => ({ [proxyCpuRequest.key]: text }) },
  {
    flag: '--proxy-memory <quantity>',
    hidden: true,
    doc: '',
    annotations: (text) => ({ [proxyMemoryRequest.key]: text }),
  },
];

export const INJECT_FLAGS: readonly InjectFlag[] = [
  {
    flag: '--registry <registry>',
    doc: 'Registry of the images',
    annotations: (text) => ({ [proxyImage.key]: `${text}/proxy`, [debugImage.key]: `${text}/debug` }),
  },
  ...Object.values<AnnotationRow>(ANNOTATIONS).flatMap(({ flag, doc, key }) =>
    flag === undefined ? [] : [{ flag, doc: doc.replace(/\.$/, ''), annotations: (text: string) => ({ [key]: text }) }],
  ),
  ...FORMER,
];

/** `--proxy-uid <uid>` -> `proxyUid`, as commander names it. */
const optionName = (flag: string): string =>
  flag.replace(/^--(\S+).*$/, '$1').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The annotations that the given flags (in commander's camel case) stand for. Throws what a bad value should be. */
export function annotationFlags(flags: Readonly<Record<string, string | boolean>>): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const row of INJECT_FLAGS) {
    const value = flags[optionName(row.flag)];
    if (value === undefined) continue;
    for (const [key, text] of Object.entries(row.annotations(String(value)))) {
      refuseBad(row.flag.split(' ')[0] ?? '', key, text);
      annotations[key] = text;
    }
  }
  refuseSmallLimits(annotations);
  return annotations;
}

const ROWS = new Map(Object.values<AnnotationRow>(ANNOTATIONS).map((row) => [row.key, row]));

function refuseBad(flag: string, key: string, text: string): void {
  const row = ROWS.get(key);
  if (row && row.parse(text) === undefined) throw new UserError(`${flag}: expected ${row.expects}, got "${text}"`);
}

function refuseSmallLimits(annotations: Readonly<Record<string, string>>): void {
  for (const kind of ['cpu', 'memory']) {
    const of = (bound: string) => annotations[`config.linkerd.io/proxy-${kind}-${bound}`];
    const [request, limit] = [of('request'), of('limit')];
    if (request === undefined || limit === undefined) continue;
    if ((parseQuantity(limit) ?? 0) < (parseQuantity(request) ?? 0))
      throw new UserError(`--proxy-${kind}-limit: expected at least the request ${request}, got "${limit}"`);
  }
}
