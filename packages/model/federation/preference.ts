import { ENDPOINT_ANNOTATIONS, type EndpointAnnotation, type StaleClusters } from '../annotations/index.ts';

/** What an order calls the cluster that the client is in. */
export const LOCAL_CLUSTER = 'local';

/** What a federated service says of its clusters. */
export interface Preference {
  /** Levels of clusters by name; empty: all are equal. */
  readonly order: readonly (readonly string[])[];
  /** Shares among equals; undefined: each endpoint counts the same. */
  readonly weights: ReadonlyMap<string, number> | undefined;
  /** Share of a level's endpoints that must be ready, 0 to 1. */
  readonly minHealthy: number;
  readonly returnAfterMs: number;
  readonly staleClusters: StaleClusters;
}

/** What holds unless said. */
const USUAL: Preference = {
  order: [],
  weights: undefined,
  minHealthy: 0.7,
  returnAfterMs: 30_000,
  staleClusters: 'demote',
};

/** Reads the annotations of a Service; `read` gives the value of one, undefined where there is none that can be read. */
export function readPreference(read: <T>(row: EndpointAnnotation<T>) => T | undefined): Preference {
  const {
    clusterOrder,
    clusterWeights,
    clusterMinHealthy,
    clusterReturnAfter,
    staleClusters: stale,
  } = ENDPOINT_ANNOTATIONS;
  const said = {
    order: read(clusterOrder),
    weights: read(clusterWeights),
    minHealthy: read(clusterMinHealthy),
    returnAfterMs: read(clusterReturnAfter),
    staleClusters: read<StaleClusters>(stale),
  };
  // Nearly all Services say nothing: they share one object.
  if (Object.values(said).every((value) => value === undefined)) return USUAL;
  return {
    order: said.order ?? USUAL.order,
    weights: said.weights,
    minHealthy: said.minHealthy ?? USUAL.minHealthy,
    returnAfterMs: said.returnAfterMs ?? USUAL.returnAfterMs,
    staleClusters: said.staleClusters ?? USUAL.staleClusters,
  };
}
