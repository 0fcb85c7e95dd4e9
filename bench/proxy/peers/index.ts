/**
 * The peers of the comparison: one mTLS hop pair each, plain in at the client's side, mutual TLS 1.3 between, plain to the same
 * origin. Configurations are minimal and fair: one worker, keep-alive everywhere, no logs, no limit that the load would reach.
 */
import { envoy } from './envoy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';

export { BIG_BODY_BYTES, originCommand } from './nginx.ts';
export { outer, type Peer } from './peer.ts';
export const PEERS: readonly Peer[] = [nginx, haproxy, envoy];
