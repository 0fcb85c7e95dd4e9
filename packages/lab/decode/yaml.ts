/**
 * YAML bodies as the API server reads them: YAML 1.1 (`yes` and `on` are booleans, `0644` is octal, `<<` merges), but without
 * dates, sexagesimals, sets and binary, which Go's decoder leaves as text.
 */
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { DecodeError } from './decode-error.ts';
import { type Decoded, parseJson, readNumber } from './json.ts';
import { DEPTH_MAX, DUPLICATES_MAX } from './limits.ts';

const UNWANTED_TAGS = new Set([
  'tag:yaml.org,2002:binary',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
  'tag:yaml.org,2002:set',
  'tag:yaml.org,2002:timestamp',
]);

/** Parses the first document of `text`. Faults: {@link DecodeError} `yaml: line 3: …`. JSON is YAML, and read faster. */
export function parseYaml(text: string): Decoded {
  return asJson(text) ?? asYaml(text);
}

/** The JSON way, where the text is JSON without repeated keys (those are worded differently in YAML). */
function asJson(text: string): Decoded | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const decoded = parseJson(text);
    return decoded.duplicates.length === 0 ? decoded : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined; // a YAML flow mapping, perhaps; the YAML parser judges
    throw error;
  }
}

function asYaml(text: string): Decoded {
  const lines = new LineCounter();
  const document = parseDocument(firstDocument(text), {
    version: '1.1',
    uniqueKeys: false,
    intAsBigInt: true,
    lineCounter: lines,
    logLevel: 'silent',
    prettyErrors: false,
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || !(UNWANTED_TAGS.has(tag.tag) || isSexagesimal(tag))),
  });
  const [error] = document.errors;
  if (error) throw new DecodeError(`yaml: line ${lines.linePos(error.pos[0]).line}: ${error.message}`);
  const duplicates = findDuplicates(document, lines);
  return { value: plain(toJs(document), 0), duplicates };
}

/** Go's decoder stops after the first document. */
function firstDocument(text: string): string {
  const start = /^(?:---(?=\s)|[^%\s#-])/m.exec(text)?.index ?? 0;
  const end = /^(?:---|\.\.\.)(?=\s|$)/m.exec(text.slice(start + 1));
  return end ? text.slice(0, start + 1 + end.index) : text;
}

/** `1:30` is text to Go, base 60 to YAML 1.1. */
function isSexagesimal(tag: object): boolean {
  return 'format' in tag && tag.format === 'TIME';
}

function toJs(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without anchor, or so many aliases that they look like an attack.
    throw new DecodeError(`yaml: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function plain(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new DecodeError('exceeded max depth');
  if (typeof value === 'bigint') return readNumber(value.toString());
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new DecodeError(`json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]));
}

function findDuplicates(document: Document, lines: LineCounter): string[] {
  const found: string[] = [];
  const visit = (node: unknown) => {
    if (isMap(node)) {
      visitMap(node, lines, found);
      for (const pair of node.items) visit(pair.value);
    } else if (isSeq(node)) for (const item of node.items) visit(isPair(item) ? item.value : item);
  };
  visit(document.contents);
  return found.slice(0, DUPLICATES_MAX);
}

function visitMap(map: YAMLMap, lines: LineCounter, found: string[]): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key) || key.source === '<<') continue;
    const name = String(key.value);
    const line = lines.linePos(key.range?.[0] ?? 0).line;
    if (seen.has(name)) found.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
    seen.add(name);
  }
}
