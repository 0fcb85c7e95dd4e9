/** What is simulated: a cluster of services with pods, and proxies that follow some of them. */

export interface Shape {
  readonly services: number;
  /** Endpoints of each service; each is a pod. */
  readonly endpoints: number;
  readonly proxies: number;
  /** Services that each proxy follows. */
  readonly follows: number;
  /** Connections that their streams share. */
  readonly connections: number;
}

/** The claim is about this one. */
export const USUAL: Shape = { services: 100, endpoints: 10, proxies: 1_000, follows: 10, connections: 4 };

export const serviceName = (service: number): string => `web-${service}`;
/** Address of an endpoint; unique up to 16 million. */
export function address(shape: Shape, service: number, endpoint: number): string {
  const number = service * shape.endpoints + endpoint + 1;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

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
