/** What is simulated: a cluster of services with pods, and proxies that follow some of them. */
import type { ClusterShape } from '../simulated-cluster.ts';

export interface Shape extends ClusterShape {
  readonly proxies: number;
  /** Services that each proxy follows. */
  readonly follows: number;
  /** Connections that their streams share. */
  readonly connections: number;
}

/** The claim is about this one. */
export const USUAL: Shape = { services: 100, endpoints: 10, proxies: 1_000, follows: 10, connections: 4 };

/** The services that a proxy follows: all proxies the first, and the others evenly. */
export function followedBy(shape: Shape, proxy: number): number[] {
  const others = Math.max(1, shape.services - 1);
  const list = [0];
  for (let i = 1; i < Math.min(shape.follows, shape.services); i++)
    list.push(1 + ((proxy * (shape.follows - 1) + i - 1) % others));
  return list;
}

/** Argument of a process. */
export const encodeShape = (shape: Shape): string => JSON.stringify(shape);
export const decodeShape = (text: string | undefined): Shape => JSON.parse(text ?? '{}') as Shape;

/** Milliseconds on a clock that all processes share. */
export const sharedMs = (): number => performance.timeOrigin + performance.now();
