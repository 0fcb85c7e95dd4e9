import { get } from 'node:http';
import type { Pod } from '#api/kube';
import { type ForwardTarget, throughForward } from '#kube/port-forward';
import { PROXY_CONTAINER } from '#model/names';
import type { Connection } from '../context.ts';

const ADMIN_PORT = 4191;
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
/** For the metrics of one container. */
export const SCRAPE_TIMEOUT_MS = 30_000;

interface Ports {
  name: string;
  ports?: { name?: string; containerPort: number }[];
}
const containers = (pod: Pod): Ports[] => {
  const spec = (pod as unknown as { spec?: { containers?: Ports[]; initContainers?: Ports[] } }).spec;
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
};

/** A port on which a container of the control plane, or a proxy, serves its metrics. */
export interface AdminPort {
  container: string;
  port: number;
}

/** The admin ports of all containers of a pod, by their names. */
export const adminPorts = (pod: Pod): AdminPort[] =>
  containers(pod).flatMap(({ name, ports = [] }) =>
    ports
      .filter((port) => port.name?.endsWith('admin'))
      .map(({ containerPort }) => ({ container: name, port: containerPort })),
  );

/** The admin port of a pod's proxy; undefined where it names none. */
export const proxyAdminPort = (pod: Pod): number | undefined =>
  containers(pod)
    .find(({ name }) => name === PROXY_CONTAINER)
    ?.ports?.find(({ name }) => name === 'linkerd-admin')?.containerPort;

/** The metrics of a pod's proxy, in Prometheus' text format. */
export const proxyMetrics = (connection: Connection, pod: Pod, timeoutMs = SCRAPE_TIMEOUT_MS): Promise<string> =>
  scrape(
    connection,
    {
      namespace: pod.metadata.namespace ?? '',
      pod: pod.metadata.name ?? '',
      port: proxyAdminPort(pod) ?? ADMIN_PORT,
    },
    timeoutMs,
  );

/** What a port inside a pod answers to `GET /metrics`. */
export const scrape = ({ access }: Connection, target: ForwardTarget, timeoutMs: number): Promise<string> =>
  throughForward(access, target, (port) => fetchText(port, timeoutMs));

function fetchText(port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/metrics', agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > RESPONSE_BYTES_MAX) response.destroy(new Error('the metrics are too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`/metrics answered ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}
