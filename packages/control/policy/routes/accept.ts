/** Whether a route takes effect on a parent: decided the same way for the data plane and for the status that tells of it. */
import { type Attachment, isConflicted, type ParentKind } from './attach.ts';
import type { RouteFilter } from './record.ts';

/** Why a route does not count on a parent; reasons are those of the condition `Accepted`. */
export interface Objection {
  reason: 'NoMatchingParent' | 'RouteReasonConflicted' | 'UnsupportedValue';
  message: string;
}

/** Says why nothing can be attached to an object; undefined when routes can. */
export type ParentProblem = (kind: ParentKind, key: string) => string | undefined;

/** Filters that routes of a Server may have. */
const INBOUND_FILTERS: ReadonlySet<RouteFilter['type']> = new Set(['request-headers', 'response-headers', 'redirect']);

/** Names of filters in manifests. */
export const FILTER_NAMES: Readonly<Record<Exclude<RouteFilter['type'], 'unknown'>, string>> = {
  'request-headers': 'RequestHeaderModifier',
  'response-headers': 'ResponseHeaderModifier',
  redirect: 'RequestRedirect',
  rewrite: 'URLRewrite',
  mirror: 'RequestMirror',
};

/** The name of a filter in manifests. */
export const filterName = (filter: RouteFilter): string =>
  filter.type === 'unknown' ? filter.name : FILTER_NAMES[filter.type];

/** `rivals` are all {@link fitting} attachments to the parent, in any order; `missing` what stands against the parent itself. */
export function objectionTo(
  attachment: Attachment,
  kind: ParentKind,
  rivals: readonly Attachment[],
  missing: string | undefined,
): Objection | undefined {
  const mismatch = missing ?? referenceProblem(attachment, kind);
  if (mismatch !== undefined) return { reason: 'NoMatchingParent', message: mismatch };
  if (isConflicted(attachment, rivals))
    return {
      reason: 'RouteReasonConflicted',
      message: 'a route of a kind that goes before this one has the same parent',
    };
  return unsupported(attachment, kind);
}

/** Those that the parent may have: who cannot be attached to it takes nobody's place there. */
export function fitting(attachments: readonly Attachment[], kind: ParentKind): Attachment[] {
  return attachments.filter((attachment) => referenceProblem(attachment, kind) === undefined);
}

function referenceProblem({ route, ref }: Attachment, kind: ParentKind): string | undefined {
  if (kind === 'egressnetwork')
    return ref.port === undefined ? 'an EgressNetwork parent must be referred to with a port' : undefined;
  if (kind !== 'server') return undefined;
  if (ref.namespace !== route.namespace)
    return `a Server parent must be in the namespace of the route, got ${ref.namespace}`;
  if (ref.port !== undefined || ref.sectionName !== undefined)
    return 'a Server parent must be referred to without port and sectionName';
  return route.type === 'tls' || route.type === 'tcp' ? `a Server takes no ${route.kind}` : undefined;
}

/** A filter that cannot be left out makes a route useless; those of backends only spoil their backend. */
function unsupported({ route }: Attachment, kind: ParentKind): Objection | undefined {
  if (route.problem && !route.problem.lastGood) return { reason: 'UnsupportedValue', message: route.problem.message };
  for (const rule of route.rules)
    for (const filter of rule.filters)
      if (filter.type === 'unknown' || (kind === 'server' && !INBOUND_FILTERS.has(filter.type)))
        return {
          reason: 'UnsupportedValue',
          message: `filter ${filterName(filter)} is not supported${kind === 'server' ? ' on a Server' : ''}`,
        };
  return undefined;
}
