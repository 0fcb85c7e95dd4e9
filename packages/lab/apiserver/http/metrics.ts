import type { Store } from '#lab/store';
import { Registry } from '#runtime/metrics';
import type { ServerReply } from './exchange.ts';
import type { RequestInfo } from './request-info.ts';

/** Metrics of one API server under kube's names where kube has them. */
const METRICS = {
  authentication_attempts: {
    type: 'counter',
    help: 'Requests by what came of telling their user: success, anonymous, or error for credentials that were refused.',
    labels: ['result'],
  },
  apiserver_request_total: {
    type: 'counter',
    help: 'Answered requests by verb, resource and HTTP code; watches count when they end.',
    labels: ['code', 'group', 'resource', 'subresource', 'verb', 'version'],
  },
  apiserver_storage_objects: { type: 'gauge', help: 'Stored objects by resource.', labels: ['resource'] },
  lab_store_revision: { type: 'gauge', help: 'The last revision written.', labels: [] },
  lab_store_watches: { type: 'gauge', help: 'Open watches, those inside the process included.', labels: [] },
} as const;

/** Ample for every resource, verb and code that a cluster sees; what goes beyond is not counted. */
const SERIES_MAX = 5_000;

export type AuthenticationResult = 'success' | 'anonymous' | 'error';

/** What the server counts, as Prometheus text at `/metrics`. */
export class Metrics {
  readonly #registry: Registry<typeof METRICS>;

  constructor(store: Store, nowMs: () => number) {
    this.#registry = new Registry(METRICS, { seriesMax: SERIES_MAX, retainMs: Number.POSITIVE_INFINITY }, nowMs);
    this.#registry.onCollect(() => {
      this.#registry.gauge('lab_store_revision', {}).set(store.revision);
      this.#registry.gauge('lab_store_watches', {}).set(store.watchers);
      for (const resource of store.resources())
        this.#registry.gauge('apiserver_storage_objects', { resource }).set(store.list(resource).length);
    });
  }

  authenticated(result: AuthenticationResult): void {
    this.#registry.counter('authentication_attempts', { result }).inc();
  }

  /** Counts the request when its answer has ended. */
  observe({ verb, group, version, resource, subresource }: RequestInfo, reply: ServerReply): void {
    reply.once('close', () => {
      const labels = { code: String(reply.statusCode), group, resource, subresource, verb, version };
      this.#registry.counter('apiserver_request_total', labels).inc();
    });
  }

  render(): string {
    return this.#registry.render();
  }
}
