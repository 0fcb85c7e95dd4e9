import { matchesLabelSelector, parseSelector } from '#kube/client';

type Labels = Readonly<Record<string, string>>;

const ALL = (): boolean => true;
const NONE = (): boolean => false;

/**
 * Which Services somebody may reach, by the selector of its token; without one, all. A selector that cannot be read, or that asks for
 * nothing, takes none: a slip of the pen opens no door.
 */
export function exportedBy(services: string | undefined): (labels: Labels) => boolean {
  if (services === undefined) return ALL;
  const selector = parseSelector(services);
  if (!selector || Object.keys(selector).length === 0) return NONE;
  return (labels) => matchesLabelSelector(selector, labels);
}
