import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { UserError } from '../context.ts';
import { mergeValues, parseSet, putPath } from '../manifests/index.ts';

/** Helm's ways to set values. */
export interface ValueFlags {
  values: string[];
  set: string[];
  setString: string[];
  setFile: string[];
}

const collect = (value: string, all: string[]): string[] => [...all, value];

export function addValueFlags(command: Command): void {
  command
    .option('-f, --values <file>', 'YAML file of values; may be repeated', collect, [])
    .option('--set <key=value>', 'Value on the command line; may be repeated', collect, [])
    .option('--set-string <key=value>', 'Value that is text whatever it looks like', collect, [])
    .option('--set-file <key=path>', 'Value that is the content of a file', collect, []);
}

type Tree = { [key: string]: unknown };

/** One tree of all of them; later ones win, `--set` over files. */
export async function readValueFlags(flags: ValueFlags): Promise<Tree> {
  const tree: Tree = {};
  for (const path of flags.values) mergeValues(tree, await readValuesFile(path));
  for (const text of flags.set) parseSet(text, 'typed', tree);
  for (const text of flags.setString) parseSet(text, 'string', tree);
  for (const text of flags.setFile) {
    const at = text.indexOf('=');
    if (at <= 0) throw new UserError(`--set-file: expected key=path, got "${text}"`);
    putPath(tree, text.slice(0, at), await read(text.slice(at + 1)));
  }
  return tree;
}

async function readValuesFile(path: string): Promise<Tree> {
  let value: unknown;
  try {
    value = parse(await read(path)) ?? {};
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw new UserError(`${path}: expected a mapping of values`);
  return value as Tree;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`);
  }
}
