/** Which form of discovery a request asks for. */

export interface DiscoveryForm {
  readonly version: 'v2' | 'v2beta1' | 'legacy';
  readonly contentType: string;
}

const LEGACY: DiscoveryForm = { version: 'legacy', contentType: 'application/json' };

/**
 * Walks `Accept` in order and takes the first form that is spoken here: aggregated JSON (`as=APIGroupDiscoveryList`), plain JSON
 * or `*\/*`. Undefined: nothing acceptable (406). Send `Vary: Accept` with the answer.
 */
export function negotiateDiscovery(accept: string | undefined): DiscoveryForm | undefined {
  if (!accept) return LEGACY;
  for (const range of accept.split(',')) {
    const [type = '', ...rest] = range.split(';').map((part) => part.trim());
    const params = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
    const as = params.get('as');
    if (as === undefined) {
      if (type === '*/*' || type === 'application/*' || type === 'application/json') return LEGACY;
      continue;
    }
    const version = params.get('v');
    if (type !== 'application/json' || as !== 'APIGroupDiscoveryList' || params.get('g') !== 'apidiscovery.k8s.io')
      continue;
    if (version === 'v2' || version === 'v2beta1')
      return { version, contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList` };
  }
  return undefined;
}
