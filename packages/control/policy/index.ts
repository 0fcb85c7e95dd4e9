/**
 * The policy service: what ports accept and from whom, where outbound traffic goes and how, and admission of the objects that
 * say so.
 */
export { reviewPolicy } from './admission/index.ts';
export { runPolicy } from './main.ts';
export { type Network, parseNetwork, parseNetworks } from './networks.ts';
export { Services } from './outbound/index.ts';
export { createPolicy, type PolicyConfig, type PolicyDeps, type PolicyService } from './service.ts';
