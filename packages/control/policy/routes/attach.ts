/** Which routes are attached to a parent. */
import { type ParentRef, ROUTE_TYPES, type RouteRecord } from './record.ts';

/** Kinds of objects that routes can be attached to in this mesh; others belong to other controllers. */
export const PARENT_KINDS = {
  server: { group: 'policy.linkerd.io', kind: 'Server' },
  service: { group: '', kind: 'Service' },
  egressnetwork: { group: 'policy.linkerd.io', kind: 'EgressNetwork' },
} as const;
export type ParentKind = keyof typeof PARENT_KINDS;

/** The kind of a parent; undefined when it is another controller's. */
export function parentKind({ group, kind }: ParentRef): ParentKind | undefined {
  const known = PARENT_KINDS[kind as ParentKind];
  return known?.group === group ? (kind as ParentKind) : undefined;
}

/** A route on one of its parents. */
export interface Attachment {
  route: RouteRecord;
  ref: ParentRef;
}

/** Older routes win, then the first by name, group and kind. */
export function inOrder(a: RouteRecord, b: RouteRecord): number {
  const [left, right] = [a, b].map(({ createdAt, namespace, name, group, kind }) =>
    [createdAt, name, namespace, group, kind].join('\0'),
  ) as [string, string];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether routes of the first one's kind take the place of those of the second's on the same parent. */
export function goesBefore(a: Pick<RouteRecord, 'type'>, b: Pick<RouteRecord, 'type'>): boolean {
  return ROUTE_TYPES.indexOf(a.type) < ROUTE_TYPES.indexOf(b.type);
}

/**
 * Whether a route of a kind that goes before has the very same parent, port included; then the later one counts for nothing there.
 * `others` are the attachments to that parent.
 */
export function isConflicted({ route, ref }: Attachment, others: readonly Attachment[]): boolean {
  return others.some(({ route: other, ref: theirs }) => {
    return theirs.port === ref.port && theirs.sectionName === ref.sectionName && goesBefore(other, route);
  });
}
