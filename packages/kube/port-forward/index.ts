/** `kubectl port-forward` as a library: a stream, or a local port, to a port inside a pod, through the API server. */
export { type ForwardTarget, type LocalForward, listenForward, openForward, throughForward } from './forward.ts';
