import { parse } from 'yaml';
import {
  CONFIG_MAPS,
  type ConfigMap,
  type Gvr,
  type KubeObject,
  PODS,
  type Pod,
  SECRETS,
  type Secret,
} from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import type { ForwardTarget } from '#kube/port-forward';
import type { CliContext } from '../context.ts';
import { defaultValues, mergeValues, type Values } from '../manifests/index.ts';
import { proxyMetrics, scrape } from '../proxies/index.ts';

/** A proxy that does not answer within this time counts as one that cannot be asked. */
const PROXY_METRICS_TIMEOUT_MS = 5_000;

/** What checks look at: a cluster, and what of it several checks need. */
export class CheckSubject {
  readonly namespace: string;
  readonly cniNamespace: string;
  readonly #context: CliContext;

  constructor(context: CliContext) {
    this.#context = context;
    this.namespace = context.flags.linkerdNamespace;
    this.cniNamespace = context.flags.cniNamespace;
  }

  async client(): Promise<KubeClient> {
    return (await this.#context.connect()).client;
  }

  /** The installed configuration, with today's defaults for what it does not say. */
  async values(): Promise<Values> {
    const config = await (await this.client()).get<ConfigMap>(CONFIG_MAPS, 'linkerd-config', this.namespace);
    const values = defaultValues();
    mergeValues(values, (parse(config.data?.['values'] ?? '') ?? {}) as { [key: string]: unknown });
    return values;
  }

  async exists(gvr: Gvr, name: string, namespace?: string): Promise<boolean> {
    try {
      await (await this.client()).get(gvr, name, namespace);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Names of a resource's objects with a label. */
  async names(gvr: Gvr, labelSelector?: string, namespace?: string): Promise<Set<string>> {
    const { items } = await (await this.client()).list<KubeObject>(gvr, {
      metadataOnly: true,
      ...(labelSelector !== undefined && { labelSelector }),
      ...(namespace !== undefined && { namespace }),
    });
    return new Set(items.map(({ metadata }) => metadata.name ?? ''));
  }

  async pods(options: { namespace?: string; labelSelector?: string }): Promise<Pod[]> {
    return (await (await this.client()).list<Pod>(PODS, options)).items;
  }

  /** A key of a Secret as text; undefined when Secret or key do not exist. */
  async secretText(name: string, namespace: string, key: string): Promise<string | undefined> {
    try {
      const secret = await (await this.client()).get<Secret>(SECRETS, name, namespace);
      const data = secret.data as Record<string, string> | undefined;
      const value = data?.[key];
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The trust anchors in use. */
  async anchors(): Promise<string> {
    const map = await (await this.client()).get<ConfigMap>(CONFIG_MAPS, 'linkerd-identity-trust-roots', this.namespace);
    return map.data?.['ca-bundle.crt'] ?? '';
  }

  /** What a port inside a pod answers to `GET /metrics`. */
  async scrape(target: ForwardTarget): Promise<string> {
    return scrape(await this.#context.connect(), target, PROXY_METRICS_TIMEOUT_MS);
  }

  /** The metrics of a pod's proxy, from the proxy itself. */
  async proxyMetrics(pod: Pod): Promise<string> {
    return proxyMetrics(await this.#context.connect(), pod, PROXY_METRICS_TIMEOUT_MS);
  }
}
