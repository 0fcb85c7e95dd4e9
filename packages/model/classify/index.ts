/**
 * Whether a response counts as a success: HTTP 5xx and some gRPC statuses are failures, unless a profile's response classes say
 * otherwise. Metrics, circuit breakers, retries of profiles and load penalties ask here.
 */
export { type ResponseClass, ResponseClasses, type ResponseCondition } from './classes.ts';
export { GRPC, isFailure, isGrpcContent, isOverload, isPenalized } from './tables.ts';
