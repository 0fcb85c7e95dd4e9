/** Whether a value fits a {@link FieldSchema}, in the words of Kubernetes' typed conversion. */
import { childSchema, type FieldSchema, UNTYPED } from '../schema/index.ts';
import { isMap, type JsonMap } from './json.ts';
import { fieldElement, itemElement, ListItemError, printElement } from './path-element.ts';

/** One line per fault, e.g. `.spec.replica: field not declared in schema`; empty where the value fits. */
export function typedErrors(value: unknown, schema: FieldSchema): string[] {
  const errors: string[] = [];
  check(value, schema, '', errors);
  return errors;
}

/** Kubernetes' text for a list of such faults. */
export function joinTypedErrors(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? '') : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

function check(value: unknown, schema: FieldSchema, path: string, errors: string[]): void {
  const fail = (text: string) => errors.push(path === '' ? text : `${path}: ${text}`);
  if (value === null || value === undefined) return;
  if (schema.kind === 'scalar') checkScalar(value, schema, fail);
  else if (schema.kind === 'list') checkList(value, schema, path, errors, fail);
  else if (isMap(value)) checkMap(value, schema, path, errors);
  else if (!schema.preserveUnknown || schema.fields?.size) fail(`expected map, got &{${goText(value)}}`);
}

function checkScalar(value: unknown, schema: FieldSchema, fail: (text: string) => void): void {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const scalar = isNumber || typeof value === 'string' || typeof value === 'boolean';
  if (schema.scalarType === 'number' && !isNumber) fail(`expected numeric (int or float), got ${goType(value)}`);
  else if (schema.scalarType === 'string' && typeof value !== 'string')
    fail(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
  else if (schema.scalarType === 'boolean' && typeof value !== 'boolean')
    fail(`expected boolean, got &{${goText(value)}}`);
  else if (!scalar) fail(`expected any scalar, got &{${goText(value)}}`);
}

function checkList(
  value: unknown,
  schema: FieldSchema,
  path: string,
  errors: string[],
  fail: (text: string) => void,
): void {
  if (!Array.isArray(value)) {
    fail(`expected list, got &{${goText(value)}}`);
    return;
  }
  const atomic = (schema.listType ?? 'atomic') === 'atomic';
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let step = `i:${index}`;
    if (!atomic) {
      try {
        step = itemElement(schema, item);
      } catch (error) {
        if (!(error instanceof ListItemError)) throw error;
        // The rest of the list cannot be named without its keys.
        fail(`element ${index}: ${error.message}`);
        return;
      }
      if (seen.has(step)) fail(`duplicate entries for key ${printElement(step)}`);
      seen.add(step);
    }
    check(item, schema.items ?? UNTYPED, path + printElement(step), errors);
  }
}

function checkMap(value: JsonMap, schema: FieldSchema, path: string, errors: string[]): void {
  for (const [key, item] of Object.entries(value)) {
    const at = path + printElement(fieldElement(key));
    const below = childSchema(schema, key);
    if (below) check(item, below, at, errors);
    else errors.push(`${at}: field not declared in schema`);
  }
}

function goType(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return '[]interface {}';
  return isMap(value) ? 'map[string]interface {}' : typeof value;
}

/** Go's `%v`. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isMap(value)) return String(value);
  const keys = Object.keys(value).sort();
  return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(' ')}]`;
}

/** Go's `%#v`. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (!isMap(value)) return String(value);
  const keys = Object.keys(value).sort();
  return `map[string]interface {}{${keys.map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`).join(', ')}}`;
}
