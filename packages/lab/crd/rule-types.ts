/** Types of a schema's values, for what can be said of a rule without running it. */
import { BOOL, type CelProgram, type CelType, checkTypes, DYN, INT, mayBe, scalar, TEXT } from '../cel/index.ts';
import { escapeProperty } from './cel-values.ts';
import type { SchemaNode } from './node.ts';

/** Why the program cannot be a rule (`wanted` bool) or a message (`wanted` string) over `self`; undefined where it can. */
export function ruleTypeError(
  program: CelProgram,
  wanted: 'bool' | 'string',
  self: SchemaNode,
  optionalOldSelf: boolean,
): string | undefined {
  const type = typeOfNode(self);
  const names = new Map<string, CelType>([
    ['self', type],
    ['oldSelf', optionalOldSelf ? DYN : type],
  ]);
  const { result, errors } = checkTypes(program, names);
  if (errors.length > 0) return `compilation failed: ${errors.join('\n')}`;
  if (mayBe(result, wanted)) return undefined;
  return wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'messageExpression must evaluate to a string';
}

const FORMAT_TYPES: Readonly<Record<string, CelType>> = {
  'date-time': scalar('google.protobuf.Timestamp'),
  date: scalar('google.protobuf.Timestamp'),
  duration: scalar('google.protobuf.Duration'),
  byte: scalar('bytes'),
};

function typeOfNode(node: SchemaNode | undefined): CelType {
  if (!node || node.intOrString || node.source.nullable) return DYN;
  switch (node.types[0]) {
    case 'string':
      return FORMAT_TYPES[node.source.format ?? ''] ?? TEXT;
    case 'integer':
      return INT;
    case 'number':
      return scalar('double');
    case 'boolean':
      return BOOL;
    case 'array':
      return { kind: 'list', items: typeOfNode(node.items) };
    case 'object':
      return node.additional === undefined
        ? { kind: 'object', field: (name) => fieldOf(node, name) }
        : { kind: 'map', values: node.additional === true ? DYN : typeOfNode(node.additional) };
    default:
      return DYN;
  }
}

function fieldOf(node: SchemaNode, field: string): CelType | undefined {
  const found = [...node.properties].find(([name]) => escapeProperty(name) === field)?.[1];
  if (found) return node.embedded && field === 'metadata' ? DYN : typeOfNode(found);
  if (node.embedded && (field === 'apiVersion' || field === 'kind')) return TEXT;
  return node.preserves || (node.embedded && field === 'metadata') ? DYN : undefined;
}
