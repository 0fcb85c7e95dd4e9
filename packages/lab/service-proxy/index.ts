/**
 * Service addresses on the nodes: from Services and EndpointSlices to one nftables table per node, changed in single
 * transactions; the ways of load balancer addresses from the lab's root to nodes, and what nodes answer to health checks.
 */

export { BalancerRoutes, balancerRoutes, type RoutedNode } from './balancer-routes.ts';
export { encodeRules } from './encode.ts';
export { type Backend, backendsOf, type ProxyNode } from './endpoints.ts';
export { buildRules, type ProxyView, type RuleSet } from './rules.ts';
export { ServiceProxy, type ServiceProxyDeps } from './service-proxy.ts';
