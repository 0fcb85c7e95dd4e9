import { stringify } from 'yaml';
import type { AnyObject } from '#api/kube';
import { Choice, goOf, isPlain, isUnknown, Repeat, Splat, splatOf, Unknown } from '#model/template';

/** Objects that hold open values, as the text of a Helm template. */

/** A template file: each object a document, those that are a choice inside their `if`, those of each item inside its `range`. */
export function printTemplate(objects: readonly unknown[]): string {
  return objects
    .map((object) => {
      if (object instanceof Repeat) return printRepeat(object);
      if (!(object instanceof Choice)) return printDocument(object as AnyObject);
      return `{{- if ${bare(object.test)} }}\n${printTemplate(object.yes as unknown[])}{{- end }}\n`;
    })
    .join('');
}

/** A `range` moves the dot; expressions of values are of the root. */
function printRepeat({ each, made }: Repeat): string {
  const lines = [
    `{{- range ${each.variable} := ${bare(each.go)} }}`,
    ...each.definitions.map((definition) => `{{- ${definition} }}`),
    '{{- with $ }}',
  ];
  return `${lines.join('\n')}\n${printTemplate(made)}{{- end }}\n{{- end }}\n`;
}

const printDocument = (object: AnyObject): string => `---\n${printMap(object as never, '')}`;

function printMap(map: Record<PropertyKey, unknown>, pad: string): string {
  return Reflect.ownKeys(map)
    .map((key) => {
      const value = map[key];
      if (value === undefined) return '';
      if (typeof key === 'string') return printEntry(key, value, pad);
      if (value instanceof Choice) return block(value, pad, (part) => printMap(part as never, pad));
      throw new Error(`${String(key)}: a map of the user's among fixed keys: use merged()`);
    })
    .join('');
}

function printEntry(key: string, value: unknown, pad: string): string {
  const name = `${pad}${scalar(key)}:`;
  if (value instanceof Choice) return block(value, pad, (part) => printEntry(key, part, pad));
  if (isBlock(value)) {
    const inner = Array.isArray(value) ? printList(value, pad) : printMap(value as never, `${pad}  `);
    return `${name}\n${inner}`;
  }
  return `${name} ${inline(value)}\n`;
}

function printList(list: readonly unknown[], pad: string): string {
  return list
    .map((item) => {
      if (item instanceof Splat) return `${pad}{{- range ${item.go} }}\n${pad}- {{ toJson . }}\n${pad}{{- end }}\n`;
      if (item instanceof Choice)
        return block(item, pad, (part) => (Array.isArray(part) ? printList(part, pad) : printItem(part, pad)));
      return printItem(item, pad);
    })
    .join('');
}

function printItem(item: unknown, pad: string): string {
  if (!isBlock(item)) return `${pad}- ${inline(item)}\n`;
  if (Array.isArray(item)) return `${pad}-\n${printList(item, `${pad}  `)}`;
  // The first key may stand inside an `if`, where no dash can go before it.
  const map = item as Record<PropertyKey, unknown>;
  const [first] = Reflect.ownKeys(map);
  const text = printMap(map, `${pad}  `);
  return typeof first === 'string' && !(map[first] instanceof Choice)
    ? `${pad}- ${text.slice(pad.length + 2)}`
    : `${pad}-\n${text}`;
}

function block(choice: Choice, pad: string, print: (part: unknown) => string): string {
  const no = choice.no === undefined ? '' : `${pad}{{- else }}\n${print(choice.no)}`;
  return `${pad}{{- if ${bare(choice.test)} }}\n${print(choice.yes)}${no}${pad}{{- end }}\n`;
}

/** Whether a map or list can be written line by line: something of it is always there, so that it is not read as null. */
function isBlock(value: unknown): boolean {
  if (splatOf(value)) return false;
  if (Array.isArray(value)) return value.some((item) => !isOptional(item));
  return isPlain(value) && Reflect.ownKeys(value).some((key) => typeof key === 'string' && value[key] !== undefined);
}

const isOptional = (item: unknown): boolean =>
  item instanceof Splat || (item instanceof Choice && Array.isArray(item.yes));

/** One value on its line. */
function inline(value: unknown): string {
  if (value instanceof Unknown && value.type !== 'any') return `{{ ${bare(value.go)} }}`;
  if (isUnknown(value)) return `{{ ${bare(goOf(value))} | toJson }}`;
  if (typeof value === 'string' && value.includes('{{')) return `{{ ${JSON.stringify(value)} | toJson }}`;
  return scalar(value);
}

/** What YAML 1.1 and 1.2 read alike. Multi-line texts stay on one line: indentation is the template's. */
const scalar = (value: unknown): string =>
  typeof value === 'string' && value.includes('\n')
    ? JSON.stringify(value)
    : stringify(value, { lineWidth: 0, version: '1.1', collectionStyle: 'flow' }).trimEnd();

/** An expression without the parentheses around it. */
const bare = (go: string): string => (go.startsWith('(') && closes(go) ? go.slice(1, -1) : go);

/** Whether the first parenthesis is closed by the last character. Texts in quotes do not count. */
function closes(go: string): boolean {
  let depth = 0;
  for (let at = 0; at < go.length; at += 1) {
    if (go[at] === '"') {
      for (at += 1; go[at] !== '"'; at += 1) if (go[at] === '\\') at += 1;
    } else if (go[at] === '(') depth += 1;
    else if (go[at] === ')' && --depth === 0) return at === go.length - 1;
  }
  return false;
}

/** A test that stands alone, for an `if`. */
export const printTest = (test: unknown): string => bare(goOf(test));
