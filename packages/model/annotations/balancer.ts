/**
 * Annotations by which endpoints get more or less of the traffic. Linkerd has none of these; its proxies ignore what they say.
 */

/** One annotation: on what it stands, and how it is read. */
export interface EndpointAnnotation<T> {
  key: string;
  on: 'Pod' | 'Service';
  /** The value, or undefined when the text is none. */
  parse(text: string): T | undefined;
  /** What a value looks like, to complete "expected …". */
  expects: string;
  doc: string;
}

/** The largest factor of a weight; 10000 on the wire is 1. */
const FACTOR_MAX = 100;
/** Zones named on one Service at most. */
const ZONES_MAX = 64;
/** The last level of priority. */
const PRIORITY_MAX = 15;

export const ENDPOINT_ANNOTATIONS = {
  weight: {
    key: 'balancer.weft.dev/weight',
    on: 'Pod',
    parse: parseFactor,
    expects: `a number from 0 to ${FACTOR_MAX}`,
    doc: 'Share of the traffic compared with other endpoints of the same service; 1 unless said.',
  } satisfies EndpointAnnotation<number>,
  priority: {
    key: 'balancer.weft.dev/priority',
    on: 'Pod',
    parse: (text) => (/^\d{1,2}$/.test(text) && Number(text) <= PRIORITY_MAX ? Number(text) : undefined),
    expects: `a whole number from 0 to ${PRIORITY_MAX}`,
    doc: 'Endpoints of a higher number get traffic only while those of lower ones cannot carry it; 0 unless said.',
  } satisfies EndpointAnnotation<number>,
  zoneWeights: {
    key: 'balancer.weft.dev/zone-weights',
    on: 'Service',
    parse: parseFactors,
    expects: 'zones with numbers, such as a=1,b=0.5',
    doc: 'Factors of the weights of endpoints, by their zone; zones that are not named have 1.',
  } satisfies EndpointAnnotation<ReadonlyMap<string, number>>,
} as const;

function parseFactor(text: string): number | undefined {
  return /^(\d{1,3}(\.\d{1,6})?|\.\d{1,6})$/.test(text.trim()) && Number(text) <= FACTOR_MAX ? Number(text) : undefined;
}

/** `a=1,b=0.5`; undefined when any part is bad or a name stands twice. */
function parseFactors(text: string): ReadonlyMap<string, number> | undefined {
  const factors = new Map<string, number>();
  const parts = text.split(',');
  for (const part of parts) {
    const [name = '', value = '', more] = part.split('=').map((each) => each.trim());
    const factor = parseFactor(value);
    if (name === '' || factor === undefined || more !== undefined || factors.has(name)) return undefined;
    factors.set(name, factor);
  }
  return parts.length <= ZONES_MAX ? factors : undefined;
}
