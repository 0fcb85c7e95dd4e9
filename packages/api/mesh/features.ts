/**
 * Fields that only Weft's messages have, by the feature that they make possible. A proxy names the features it knows in a metadata
 * entry of its requests; a server sends such fields to no one else, since other proxies refuse a whole policy for one filter they
 * do not know.
 */
export const FEATURES = ['delay', 'endpoint-priority', 'path-rewrite', 'request-mirror', 'zone-preference'] as const;

export type Feature = (typeof FEATURES)[number];

/** The metadata entry: features in any order, joined by commas. */
export const FEATURES_KEY = 'weft-features';

/** The known features that an entry names; undefined (a proxy that is not ours) names none. */
export function parseFeatures(entry: string | undefined): ReadonlySet<Feature> {
  const named = new Set((entry ?? '').split(',').map((name) => name.trim()));
  return new Set(FEATURES.filter((feature) => named.has(feature)));
}
