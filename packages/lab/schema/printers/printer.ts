/** What a printer is, and the pieces that many printers share. */
import type { Container, KubeObject, LabelSelector, LoadBalancerIngress } from '#api/kube';
import { labelSelectorText } from '../../selectors/index.ts';
import { timestampAge } from './age.ts';

/** One column of a Table; `priority` 1 shows with `-o wide` only. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly priority?: number;
}

/** Columns of a kind and the cells of one object, in the same order. */
export interface Printer {
  readonly columns: readonly TableColumn[];
  row(object: KubeObject, nowMs: number): unknown[];
}

const TYPES: Readonly<Record<string, string>> = { i: 'integer', b: 'boolean', d: 'date' };

/** `Name|Desired:i|IP+`: `:i`, `:b`, `:d` give the type (else string), a final `+` marks a wide column. */
export function columns(text: string): TableColumn[] {
  return text.split('|').map((part) => {
    const wide = part.endsWith('+');
    const [name = '', type] = (wide ? part.slice(0, -1) : part).split(':');
    return {
      name,
      type: TYPES[type ?? ''] ?? 'string',
      ...(name === 'Name' && { format: 'name' }),
      ...(wide && { priority: 1 }),
    };
  });
}

/** Builds a printer from its columns and a typed row function. */
export function printer<T extends KubeObject>(text: string, row: (object: T, nowMs: number) => unknown[]): Printer {
  return { columns: columns(text), row: (object, nowMs) => row(object as T, nowMs) };
}

export const NONE = '<none>';
export const UNSET = '<unset>';

export const nameOf = (object: KubeObject): string => object.metadata.name ?? '';
export const ageOf = (object: KubeObject, nowMs: number): string =>
  timestampAge(object.metadata.creationTimestamp, nowMs);

/** Names and images of containers, as two cells. */
export const containerCells = (containers: readonly Container[] = []): [string, string] => [
  containers.map(({ name }) => name).join(','),
  containers.map(({ image }) => image ?? '').join(','),
];

/** `a=b,c=d` in order of keys. */
export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels?.[key]}`)
    .join(',') || NONE;

/** A selector as `kubectl -l` takes it, for a cell. */
export const selectorText = (selector: LabelSelector | undefined): string => labelSelectorText(selector) || NONE;

/** Addresses of a load balancer, sorted, each once. */
export const balancerText = (ingress: readonly LoadBalancerIngress[] = []): string =>
  [...new Set(ingress.flatMap(({ ip, hostname }) => ip || hostname || []))].sort().join(',');

/** The first `max` items and how many there are more; `empty` for none. */
export function fewOf(items: readonly string[], max: number, empty: string): string {
  if (items.length === 0) return empty;
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}
