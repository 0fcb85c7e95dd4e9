/**
 * Values against a schema, with the texts of kube-openapi's validator. Where `old` is given, parts that did not change are
 * not judged again (ratcheting).
 */
import type { Patterns } from '../cel/index.ts';
import { equalJson } from '../patch/json.ts';
import { type FieldCause, fault, printFloat, printNumber } from './cause.ts';
import { formatCheck } from './formats.ts';
import { nodeOfKey, type SchemaNode } from './node.ts';

/** Faults, and how many checks passed: of several alternatives the one with most passes explains the failure. */
interface Result {
  readonly causes: FieldCause[];
  matches: number;
}

interface Place {
  /** `spec.list[0].name`; empty at the root. */
  readonly path: string;
  /** The value before, undefined where there is none to compare with. */
  readonly old: unknown;
}

/** The faults of `value`. */
export function validateValue(value: unknown, node: SchemaNode, old: unknown, patterns: Patterns): FieldCause[] {
  return new Validator(patterns).node(value, node, { path: '', old }).causes;
}

const fieldName = (path: string) => path.replace(/^\./, '') || '<nil>';
const childPath = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);

function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

class Validator {
  private readonly patterns: Patterns;

  constructor(patterns: Patterns) {
    this.patterns = patterns;
  }

  node(value: unknown, node: SchemaNode, place: Place): Result {
    const result: Result = { causes: [], matches: 0 };
    if (place.old !== undefined && value !== null && equalJson(value, place.old)) return result;
    this.type(value, node, place.path, result);
    if (value === null) {
      this.enumeration(value, node, place.path, result);
      return result;
    }
    this.alternatives(value, node, place, result);
    if (typeof value === 'string') this.text(value, node, place.path, result);
    if (isNumber(value)) this.number(value, node, place.path, result);
    if (Array.isArray(value)) this.list(value, node, place, result);
    this.enumeration(value, node, place.path, result);
    if (isMap(value)) this.map(value, node, place, result);
    result.matches++;
    return result;
  }

  /** Alternatives often fail for one reason: it is told once. */
  private merge(result: Result, other: Result): void {
    for (const cause of other.causes)
      if (!result.causes.some(({ field, message }) => field === cause.field && message === cause.message))
        result.causes.push(cause);
    result.matches += other.matches;
  }

  private type(value: unknown, { types, source }: SchemaNode, path: string, result: Result): void {
    // An unknown format counts as none.
    const format = formatCheck(source.format) ? (source.format ?? '') : '';
    if (types.length === 0 && format === '') return;
    const actual = jsonType(value);
    const refuse = (wanted: string, found: string) => {
      const detail = `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`;
      result.causes.push(fault.typeInvalid(fieldName(path), found, detail));
      result.matches++;
    };
    if (value === null) {
      if (types.length > 0 && !source.nullable) refuse(types.join(','), 'null');
      return;
    }
    const fits = types.includes(actual) || (actual === 'integer' && types.includes('number'));
    const numeric = types.includes('number') || types.includes('integer');
    if (format !== '' && !numeric && (typeof value === 'string' || Array.isArray(value))) result.matches += 2;
    else if (format !== '' && typeof value !== 'string' && !Array.isArray(value) && !fits)
      refuse(format, { integer: 'int64', number: 'float64' }[actual] ?? '');
    else if (!fits) refuse(types.join(','), actual);
    else result.matches += 2;
  }

  private text(value: string, { source }: SchemaNode, path: string, result: Result): void {
    result.matches++;
    const field = fieldName(path);
    const chars = source.maxLength === undefined && source.minLength === undefined ? 0 : [...value].length;
    if (source.maxLength !== undefined && chars > source.maxLength)
      result.causes.push(fault.tooLong(field, source.maxLength));
    else if (source.minLength !== undefined && chars < source.minLength)
      result.causes.push(
        fault.invalid(field, value, `${path} in body should be at least ${source.minLength} chars long`),
      );
    else if (source.pattern && !this.patterns.test(source.pattern, value))
      result.causes.push(fault.invalid(field, value, `${path} in body should match '${source.pattern}'`));
    const check = formatCheck(source.format);
    if (!check) return;
    result.matches++;
    if (!check(value))
      result.causes.push(
        fault.typeInvalid(field, value, `${path} in body must be of type ${source.format}: ${JSON.stringify(value)}`),
      );
  }

  private number(value: number | bigint, { source }: SchemaNode, path: string, result: Result): void {
    result.matches += 2;
    const { multipleOf, maximum, minimum } = source;
    const print = (limit: number) => (jsonType(value) === 'integer' ? String(Math.trunc(limit)) : printFloat(limit));
    const refuse = (detail: string) =>
      result.causes.push(fault.invalid(fieldName(path), value, `${path} in body should be ${detail}`));
    if (multipleOf !== undefined && !isMultiple(Number(value), multipleOf))
      refuse(`a multiple of ${printNumber(multipleOf)}`);
    if (maximum !== undefined && (source.exclusiveMaximum ? value >= maximum : value > maximum))
      refuse(`less than ${source.exclusiveMaximum ? '' : 'or equal to '}${print(maximum)}`);
    if (minimum !== undefined && (source.exclusiveMinimum ? value <= minimum : value < minimum))
      refuse(`greater than ${source.exclusiveMinimum ? '' : 'or equal to '}${print(minimum)}`);
  }

  private list(value: readonly unknown[], node: SchemaNode, { path, old }: Place, result: Result): void {
    result.matches += 2;
    const { items, source } = node;
    const oldItem = correlateItems(node, old);
    if (items)
      for (const [i, item] of value.entries())
        this.merge(result, this.node(item, items, { path: `${path}[${i}]`, old: oldItem(item) }));
    const field = fieldName(path);
    if (source.minItems !== undefined && value.length < source.minItems)
      result.causes.push(
        fault.invalid(field, value.length, `${path} in body should have at least ${source.minItems} items`),
      );
    if (source.maxItems !== undefined && value.length > source.maxItems)
      result.causes.push(fault.tooMany(field, value.length, source.maxItems));
    if (source.uniqueItems && value.some((item, i) => value.slice(0, i).some((other) => equalJson(item, other))))
      result.causes.push(fault.invalid(field, '', `${path} in body shouldn't contain duplicates`));
  }

  private enumeration(value: unknown, { source }: SchemaNode, path: string, result: Result): void {
    result.matches++;
    const allowed = source.enum;
    if (!allowed || allowed.length === 0 || allowed.some((option) => equalJson(option, value))) return;
    const texts = allowed.map((option) => (typeof option === 'string' ? option : JSON.stringify(option)));
    result.causes.push(fault.notSupported(fieldName(path), value, texts));
  }

  private map(value: Record<string, unknown>, node: SchemaNode, { path, old }: Place, result: Result): void {
    result.matches++;
    const { source } = node;
    const keys = Object.keys(value);
    this.countProperties(keys.length, source, path, result);
    const oldMap = isMap(old) && !node.atomicMap ? old : undefined;
    for (const key of keys) {
      const below = nodeOfKey(node, key);
      const declared = node.properties.has(key);
      if (!below && source.additionalProperties === false)
        result.causes.push(fault.invalid(fieldName(path), '', `${path}.${key} in body is a forbidden property`));
      if (!below) continue;
      const at = declared ? childPath(path, key) : `${path}.${key}`;
      const oldValue = oldMap && Object.hasOwn(oldMap, key) ? oldMap[key] : undefined;
      // Both sides are converted to one version: a change of these is none that the client made.
      const before = path === '' && (key === 'apiVersion' || key === 'kind') ? undefined : oldValue;
      this.merge(result, this.node(value[key], below, { path: at, old: before }));
    }
    for (const key of source.required ?? [])
      if (!Object.hasOwn(value, key)) result.causes.push(fault.required(fieldName(`${path}.${key}`)));
  }

  private countProperties(
    count: number,
    { minProperties, maxProperties }: SchemaNode['source'],
    path: string,
    result: Result,
  ): void {
    if (minProperties !== undefined && count < minProperties)
      result.causes.push(
        fault.invalid(fieldName(path), count, `${path} in body should have at least ${minProperties} properties`),
      );
    if (maxProperties !== undefined && count > maxProperties)
      result.causes.push(fault.tooMany(fieldName(path), count, maxProperties));
  }

  /** anyOf, oneOf, allOf, not. Parts under them are always judged whole. */
  private alternatives(value: unknown, node: SchemaNode, { path }: Place, result: Result): void {
    result.matches += 2;
    const place = { path, old: undefined };
    const judge = (option: SchemaNode) => this.node(value, option, place);
    if (node.anyOf.length > 0) this.anyOf(node.anyOf.map(judge), path, result);
    if (node.oneOf.length > 0) this.oneOf(node.oneOf.map(judge), path, result);
    const all = node.allOf.map(judge);
    for (const each of all) this.merge(result, each);
    const passed = all.filter(({ causes }) => causes.length === 0).length;
    if (passed < all.length)
      result.causes.push(
        composite(`${quote(path)} must validate all the schemas (allOf)${passed === 0 ? '. None validated' : ''}`),
      );
    if (node.not && judge(node.not).causes.length === 0)
      result.causes.push(composite(`${quote(path)} must not validate the schema (not)`));
  }

  private anyOf(options: readonly Result[], path: string, result: Result): void {
    const first = options.find(({ causes }) => causes.length === 0);
    if (first) {
      this.merge(result, first);
      return;
    }
    result.causes.push(composite(`${quote(path)} must validate at least one schema (anyOf)`));
    this.merge(result, closest(options));
  }

  private oneOf(options: readonly Result[], path: string, result: Result): void {
    const valid = options.filter(({ causes }) => causes.length === 0);
    if (valid.length === 1 && valid[0]) {
      this.merge(result, valid[0]);
      return;
    }
    const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`;
    result.causes.push(composite(`${quote(path)} must validate one and only one schema (oneOf). ${found}`));
    if (valid.length === 0) this.merge(result, closest(options));
  }
}

const quote = (text: string) => JSON.stringify(text);

/** Kubernetes names no field for faults of alternatives. */
const composite = (text: string) => fault.invalid('<nil>', '', text);

function closest(options: readonly Result[]): Result {
  return options.reduce((best, option) => (option.matches > best.matches ? option : best));
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

/** Finds the former item of a keyed list by its keys; items of other lists have no past. */
export function correlateItems(node: SchemaNode, old: unknown): (item: unknown) => unknown {
  if (node.listType !== 'map' || !Array.isArray(old)) return () => undefined;
  const keyOf = (item: unknown) =>
    isMap(item)
      ? JSON.stringify(node.listKeys.map((key) => item[key] ?? node.items?.properties.get(key)?.source.default))
      : '';
  const byKey = new Map(old.map((item) => [keyOf(item), item as unknown]));
  return (item) => byKey.get(keyOf(item));
}
