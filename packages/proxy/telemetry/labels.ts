import type { ProxyMetrics } from '#model/metrics';
import type { Registry } from '#runtime/metrics';
import { formatAddr } from '#runtime/net';
import type { EndpointInfo, Meta } from '../discover/index.ts';

export type Metrics = Registry<ProxyMetrics>;

/** How a connection was secured, as labels. */
export type TlsLabels =
  | { readonly tls: 'true'; readonly client_id?: string; readonly server_id?: string }
  | { readonly tls: 'no_identity' | 'disabled'; readonly no_tls_reason: string }
  | { readonly tls: 'opaque'; readonly sni: string };

export function targetLabels(ip: string, port: number) {
  return { target_addr: formatAddr(ip, port), target_ip: ip, target_port: String(port) };
}

export function serverLabels(meta: Meta, port: number) {
  return { srv_group: meta.group, srv_kind: meta.kind, srv_name: meta.name, srv_port: String(port) };
}

export function routeLabels(meta: Meta) {
  return { route_group: meta.group, route_kind: meta.kind, route_name: meta.name };
}

export function parentLabels(meta: Meta) {
  return {
    parent_group: meta.group,
    parent_kind: meta.kind,
    parent_namespace: meta.namespace,
    parent_name: meta.name,
    parent_port: meta.port === 0 ? '' : String(meta.port),
    parent_section_name: meta.section,
  };
}

export function backendLabels(meta: Meta) {
  return {
    backend_group: meta.group,
    backend_kind: meta.kind,
    backend_namespace: meta.namespace,
    backend_name: meta.name,
    backend_port: meta.port === 0 ? '' : String(meta.port),
    backend_section_name: meta.section,
  };
}

/** Labels of an endpoint that outbound traffic goes to; `authority`: the logical destination, absent for bare addresses. */
export function endpointLabels(endpoint: EndpointInfo, authority: string | undefined, tls: TlsLabels) {
  const dst: Record<`dst_${string}`, string> = {};
  for (const [name, value] of Object.entries(endpoint.labels)) dst[`dst_${name}`] = value;
  return { direction: 'outbound', authority, ...targetLabels(endpoint.ip, endpoint.port), ...tls, ...dst };
}
