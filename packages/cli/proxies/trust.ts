import type { Pod } from '#api/kube';
import { PROXY_CONTAINER } from '#model/names';
import { rootsSha256 } from '#runtime/tls';
import { readCertificates, sameCertificates } from '../certificates/index.ts';
import { phaseOf } from '../checks/pods.ts';

const ANCHORS = 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS';
const ROOTS_INFO = /^control_identity_trust_roots_info\{sha256="([0-9a-f]+)"\} 1$/m;
/** Proxies that are asked at once. */
const ASKED_AT_ONCE_MAX = 16;

/** Reads the metrics of a pod's proxy; see `proxyMetrics`. */
export type MetricsOf = (pod: Pod) => Promise<string>;

/**
 * The trust anchors (PEM) that the proxy of a pod goes by: those of its environment, unless it has learned the current ones while it runs
 * (docs/decisions/0019). It is asked only where its environment has others than the current ones; what cannot be asked counts
 * as not having learned. Undefined where it learns while it runs, but has others than the current ones.
 */
export async function anchorsInUse(pod: Pod, current: string, metricsOf: MetricsOf): Promise<string | undefined> {
  const known = environmentAnchors(pod);
  if (known === undefined || sameCertificates(known, current)) return current;
  if (phaseOf(pod) !== 'Running') return known;
  const learned = await metricsOf(pod).then(
    (text) => ROOTS_INFO.exec(text)?.[1],
    () => undefined,
  );
  if (learned === undefined || learned === sha256Of(known)) return known;
  return learned === sha256Of(current) ? current : undefined;
}

const sha256Of = (pem: string): string => rootsSha256(readCertificates(pem).map(({ raw }) => raw));

/** Anchors written into the environment of a proxy; undefined where they come by reference. */
function environmentAnchors({ spec }: Pod): string | undefined {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const proxy = containers.find(({ name }) => name === PROXY_CONTAINER);
  return proxy?.env?.find(({ name }) => name === ANCHORS)?.value;
}

/** Asks of each item, so many at once; answers in the items' order. */
export async function inTurn<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) answers[at] = await ask(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_AT_ONCE_MAX, items.length) }, worker));
  return answers;
}
