/** Services beyond their endpoints: load-balancer addresses from the lab's pool, and Service `kubernetes` of the API server. */
export { type ApiServerAddress, type ApiServiceObserved, apiServiceController } from './api-service.ts';
export {
  ADDRESSES_ANNOTATION,
  LOAD_BALANCER_CLASS,
  type LoadBalancersObserved,
  loadBalancerController,
  reconcileLoadBalancers,
} from './load-balancer.ts';
