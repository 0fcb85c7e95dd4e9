/** The cluster's DNS: names of Services, endpoints and pods, from the API's objects to answers over UDP and TCP. */
export { ClusterView } from './cluster-view.ts';
export { CLUSTERSET_DOMAIN, type ClustersetView, type ImportedService, resolveAll } from './clusterset.ts';
export { type DnsRecord, type DnsView, resolve } from './records.ts';
export { DnsServer, type DnsServerOptions } from './server.ts';
