/** Filters of outbound routes on the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Feature, outbound } from '#api/mesh';
import { encodePath, encodeRedirect, encodeShare, headerChanges, type RouteFilter } from '../routes/index.ts';
import { durationOf, type Fault } from './annotations.ts';
import type { BackendInit } from './parent.ts';

export type HttpFilterInit = MessageInitShape<typeof outbound.HttpRoute_FilterSchema>;
export type GrpcFilterInit = MessageInitShape<typeof outbound.GrpcRoute_FilterSchema>;
type Init = HttpFilterInit & GrpcFilterInit;

/** What encoding a filter depends on. */
export interface FilterScene {
  /** What the asking proxy knows beyond Linkerd's. */
  features: ReadonlySet<Feature>;
  /** Where copies of requests go; undefined when there is no such backend. */
  mirrorTo(filter: RouteFilter & { type: 'mirror' }): BackendInit | undefined;
}

/** Features without which a filter cannot be left out, as requests would go somewhere else. */
const NEEDED: Partial<Record<RouteFilter['type'], Feature>> = { rewrite: 'path-rewrite' };

/** Whether a proxy can do what the filters say; if not, it must not have the route at all. */
export function canCarry(filters: readonly RouteFilter[], features: ReadonlySet<Feature>): boolean {
  return filters.every(({ type }) => {
    const needed = NEEDED[type];
    return type !== 'unknown' && (needed === undefined || features.has(needed));
  });
}

/** Filters of HTTP. Those that {@link canCarry} refuses are not to be here. */
export function encodeHttpFilters(filters: readonly RouteFilter[], scene: FilterScene): HttpFilterInit[] {
  return filters.flatMap((filter): HttpFilterInit[] => {
    switch (filter.type) {
      case 'response-headers':
        return [{ kind: { case: 'responseHeaderModifier', value: headerChanges(filter.changes) } }];
      case 'redirect':
        return [{ kind: { case: 'redirect', value: encodeRedirect(filter) } }];
      case 'rewrite': {
        const value = { host: filter.host ?? '', ...(filter.path && { path: encodePath(filter.path) }) };
        return [{ kind: { case: 'pathRewrite', value } }];
      }
      default:
        return encodeShared(filter, scene);
    }
  });
}

/** Filters of gRPC: of responses, gRPC routes on the wire have none. */
export function encodeGrpcFilters(filters: readonly RouteFilter[], scene: FilterScene): GrpcFilterInit[] {
  return filters.flatMap((filter) => encodeShared(filter, scene));
}

/** A proxy that copies no requests still does all else that a route says. */
function encodeShared(filter: RouteFilter, scene: FilterScene): Init[] {
  if (filter.type === 'request-headers')
    return [{ kind: { case: 'requestHeaderModifier', value: headerChanges(filter.changes) } }];
  if (filter.type !== 'mirror' || !scene.features.has('request-mirror')) return [];
  const backend = scene.mirrorTo(filter);
  if (!backend) return [];
  return [
    { kind: { case: 'requestMirror', value: { backend, ...(filter.share && { ratio: encodeShare(filter.share) }) } } },
  ];
}

/** Every request. */
const ALL = { numerator: 1, denominator: 1 };

/** Answers instead of a backend. */
export function httpFailure(status: number, message: string, ratio = ALL): HttpFilterInit {
  return { kind: { case: 'failureInjector', value: { status, message, ratio } } };
}

/** Answers instead of a backend; `code` is gRPC's. */
export function grpcFailure(code: number, message: string, ratio = ALL): GrpcFilterInit {
  return { kind: { case: 'failureInjector', value: { code, message, ratio } } };
}

/** Trouble that annotations of a route ask for, as its first filters. */
export function encodeFault<F>(
  fault: Fault | undefined,
  features: ReadonlySet<Feature>,
  failure: (fault: NonNullable<Fault['failure']>) => F,
): (F | Init)[] {
  const delay = features.has('delay') ? fault?.delay : undefined;
  return [
    ...(delay
      ? [{ kind: { case: 'delay' as const, value: { duration: durationOf(delay.ms), ratio: delay.share } } }]
      : []),
    ...(fault?.failure ? [failure(fault.failure)] : []),
  ];
}
