/**
 * What the control plane tells a proxy, as the proxy's own types: policies, profiles, endpoints; the streams that bring it,
 * kept alive for ever; and the translation from the wire, which refuses half-made messages whole.
 */

export { Backoff, type BackoffConfig } from './backoff.ts';
export { Cidr, parseIp } from './cidr.ts';
export { defaultServerPolicy } from './default-policy.ts';
export * from './types.ts';
export { keepWatching, type WatchConfig, type WatchHandlers } from './watch.ts';
