/** Columns of `kubectl get` for a custom resource: Name, then what the CRD declares, else Age. */
import type { AnyObject, CustomResourceColumnDefinition } from '#api/kube';
import { type JsonPath, parseJsonPath, printJsonPathValue } from '../jsonpath/index.ts';
import { timestampAge } from '../schema/index.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace. Is required when creating resources.',
};

const AGE: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  jsonPath: '.metadata.creationTimestamp',
};

export interface Columns {
  readonly columns: readonly Column[];
  /** Cells in that order; null where the path leads nowhere. */
  row(object: AnyObject, nowMs: number): readonly unknown[];
}

/** Compiles declared columns; without any there is Age. */
export function compileColumns(declared: readonly CustomResourceColumnDefinition[] | undefined): Columns {
  const definitions = declared && declared.length > 0 ? declared : [AGE];
  const paths = definitions.map(({ jsonPath }) => parseJsonPath(jsonPath));
  const cell = (object: AnyObject, nowMs: number) => (definition: CustomResourceColumnDefinition, i: number) =>
    cellOf(object, definition.type, paths[i], nowMs);
  return {
    columns: [NAME, ...definitions.map(toColumn)],
    row: (object, nowMs) => [object.metadata.name ?? '', ...definitions.map(cell(object, nowMs))],
  };
}

function toColumn({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column {
  return {
    name,
    type,
    ...(format ? { format } : {}),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(priority ? { priority } : {}),
  };
}

function cellOf(object: AnyObject, type: string, path: JsonPath | undefined, nowMs: number): unknown {
  const [value] = path?.find(object) ?? [];
  if (value === undefined) return null;
  switch (type) {
    case 'string':
      return printJsonPathValue(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : typeof value === 'bigint' ? value : null;
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return dateCell(value, nowMs);
    default:
      return null;
  }
}

function dateCell(value: unknown, nowMs: number): string | null {
  if (typeof value !== 'string') return null;
  return Number.isNaN(Date.parse(value)) ? '<invalid>' : timestampAge(value, nowMs);
}
