/**
 * Service addresses on the nodes: from Services and EndpointSlices to one nftables table per node, changed in single
 * transactions.
 */
export { type Backend, backendsOf, type ProxyNode } from './endpoints.ts';
export { buildRules, encodeRules, type ProxyView, type RuleSet } from './rules.ts';
export { ServiceProxy, type ServiceProxyDeps } from './service-proxy.ts';
