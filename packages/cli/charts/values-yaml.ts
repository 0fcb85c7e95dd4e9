import { stringify } from 'yaml';

/** Longest line of a comment. */
const WIDTH = 110;

/**
 * A values.yaml: the tree with, above each value, what it is for. `docs`: by path; a path of the docs without a value is an
 * error of the caller's, as is a value without a doc (a test looks).
 */
export function valuesYaml(
  tree: object,
  docs: Readonly<Record<string, string>>,
  openMaps: ReadonlySet<string>,
): string {
  return print(tree, '', { docs, openMaps });
}

interface Layout {
  docs: Readonly<Record<string, string>>;
  openMaps: ReadonlySet<string>;
}

function print(tree: object, path: string, layout: Layout): string {
  const pad = '  '.repeat(path === '' ? 0 : path.split('.').length);
  return Object.entries(tree)
    .map(([key, value]) => {
      const inner = path === '' ? key : `${path}.${key}`;
      const doc = layout.docs[inner];
      const comment = doc === undefined ? '' : commentOf(doc, pad);
      const name = `${pad}${stringify(key).trimEnd()}:`;
      if (isBranch(value, inner, layout)) return `${comment}${name}\n${print(value as object, inner, layout)}`;
      return `${comment}${name} ${scalar(value)}\n`;
    })
    .join('');
}

const isBranch = (value: unknown, path: string, { openMaps }: Layout): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !openMaps.has(path);

/** JSON is YAML; lists and open maps stay on their line. */
const scalar = (value: unknown): string => JSON.stringify(value);

function commentOf(text: string, pad: string): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]!;
    if (last !== '' && pad.length + last.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `${pad}# ${line}\n`).join('');
}
