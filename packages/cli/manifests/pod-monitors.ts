import type { AnyObject } from '#api/kube';
import { all, merged, when } from '#model/template';
import { type Manifest, metadataOf, object } from './objects.ts';

/** Prometheus operator's PodMonitors: who is scraped, and under which labels. */

const PORT_NAME = '__meta_kubernetes_pod_container_port_name';
const CONTAINER_NAME = '__meta_kubernetes_pod_container_name';
const podLabel = (name: string): string => `__meta_kubernetes_pod_label_${name}`;

interface Relabeling {
  action: 'keep' | 'replace' | 'labelmap' | 'labeldrop';
  sourceLabels?: string[];
  regex?: string;
  replacement?: string;
  targetLabel?: string;
}

/** Admin ports of the controllers; the proxies beside them are scraped as proxies. */
const CONTROLLERS: readonly Relabeling[] = [
  { action: 'keep', sourceLabels: [PORT_NAME], regex: '(ident|dest|spval|policy|injector)-admin' },
  { action: 'replace', sourceLabels: [CONTAINER_NAME], targetLabel: 'component' },
];

const SERVICE_MIRRORS: readonly Relabeling[] = [
  {
    action: 'keep',
    sourceLabels: [podLabel('linkerd_io_control_plane_component'), PORT_NAME],
    regex: 'linkerd-service-mirror;admin-http',
  },
  { action: 'replace', sourceLabels: [CONTAINER_NAME], targetLabel: 'component' },
];

const proxies = (namespace: string): Relabeling[] => [
  {
    action: 'keep',
    sourceLabels: [CONTAINER_NAME, PORT_NAME, podLabel('linkerd_io_control_plane_ns')],
    regex: `^linkerd-proxy;linkerd-admin;${namespace}$`,
  },
  { action: 'replace', sourceLabels: ['__meta_kubernetes_namespace'], targetLabel: 'namespace' },
  { action: 'replace', sourceLabels: ['__meta_kubernetes_pod_name'], targetLabel: 'pod' },
  // `job` is Prometheus' own label.
  { action: 'replace', sourceLabels: [podLabel('linkerd_io_proxy_job')], targetLabel: 'k8s_job' },
  { action: 'labeldrop', regex: podLabel('linkerd_io_proxy_job') },
  { action: 'labelmap', regex: podLabel('linkerd_io_proxy_(.+)') },
  { action: 'labeldrop', regex: podLabel('linkerd_io_proxy_(.+)') },
  { action: 'labelmap', regex: podLabel('linkerd_io_(.+)') },
];

export function podMonitors(manifest: Manifest): AnyObject[] {
  const { namespace, values } = manifest;
  const { enabled, scrapeInterval, scrapeTimeout, labels, controller, proxy, serviceMirror } = values.podMonitor;
  const monitor = (name: string, wanted: boolean, place: object, relabelings: readonly Relabeling[]): AnyObject[] => {
    const metadata = metadataOf(manifest, { name, namespace });
    const podMetricsEndpoints = [{ interval: scrapeInterval, scrapeTimeout, relabelings }];
    return when(all(enabled, wanted), [
      object(
        'monitoring.coreos.com/v1',
        'PodMonitor',
        { ...metadata, labels: merged(labels, { ...metadata.labels }) },
        {
          spec: { namespaceSelector: place, selector: {}, podMetricsEndpoints },
        },
      ),
    ]);
  };
  return [
    ...monitor('linkerd-controller', controller.enabled, { matchNames: [namespace] }, CONTROLLERS),
    ...monitor('linkerd-service-mirror', serviceMirror.enabled, { any: true }, SERVICE_MIRRORS),
    ...monitor('linkerd-proxy', proxy.enabled, { any: true }, proxies(namespace)),
  ];
}
