import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type CategoryResult, CHECKS_PAGE, type CheckResult } from './check.ts';

/** An extension that is no part of this program: `linkerd-<name>` on PATH, where there is one. */
export interface ForeignExtension {
  name: string;
  file?: string;
}

/** An extension has this long to say what it is. */
const METADATA_TIMEOUT_MS = 5_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Programs `linkerd-*` on PATH that say of themselves that they check always; the first of a name wins. */
export async function alwaysChecking(path: string): Promise<ForeignExtension[]> {
  const found: ForeignExtension[] = [];
  for (const [name, file] of programsOn(path)) {
    try {
      const metadata = JSON.parse(await output(file, ['_extension-metadata'], METADATA_TIMEOUT_MS)) as Metadata;
      if (metadata.checks === 'always' && metadata.name === `linkerd-${name}`) found.push({ name, file });
    } catch {
      // No extension, or one that says nothing of itself: it is run where its namespace is.
    }
  }
  return found;
}

interface Metadata {
  name?: string;
  checks?: string;
}

/** Names (without `linkerd-`) and files. */
export function programsOn(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of path.split(delimiter).filter(Boolean))
    for (const name of list(folder)) {
      const word = /^linkerd-([a-zA-Z0-9][\w-]*)$/.exec(name)?.[1];
      if (word === undefined || found.has(word)) continue;
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        found.set(word, file);
      } catch {
        // Not to be run; look on.
      }
    }
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // PATH names folders that are not there
  }
}

/** Runs `check` of an extension and reads its results; what goes wrong is a result, too. */
export async function runExtensionChecks(
  { name, file }: ForeignExtension,
  flags: readonly string[],
  timeoutMs: number,
): Promise<CategoryResult[]> {
  const category = `linkerd-${name}`;
  const only = (result: CheckResult): CategoryResult[] => [{ name: category, results: [result] }];
  const hint = `${CHECKS_PAGE}#extensions`;
  if (file === undefined)
    return only({
      description: `Linkerd extension command ${category} exists`,
      hint,
      result: 'warning',
      error: `exec: "${category}": executable file not found in $PATH`,
      items: [],
    });
  try {
    return read(await output(file, ['check', '--output=json', ...flags], timeoutMs));
  } catch (error) {
    return only({
      description: `Running: ${category} check`,
      hint,
      result: 'error',
      error: (error as Error).message,
      items: [],
    });
  }
}

interface Answer {
  categories?: { categoryName?: string; category_name?: string; checks?: Partial<CheckResult>[] }[];
}

function read(text: string): CategoryResult[] {
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
  } catch (error) {
    throw new Error(`invalid extension check output: expected JSON, got ${JSON.stringify(text.slice(0, 200))}`, {
      cause: error,
    });
  }
  return (answer.categories ?? []).map(({ categoryName, category_name = '', checks = [] }) => ({
    name: categoryName ?? category_name,
    results: checks.map(({ description = '', hint = '', error, result }) => ({
      description,
      hint,
      result: result === 'success' || result === 'warning' ? result : 'error',
      ...(error !== undefined && { error }),
      items: [],
    })),
  }));
}

/** Standard output; a failing program counts as long as it says anything: failed checks end with 1. */
function output(file: string, words: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, words, { timeout: timeoutMs, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      if (stdout !== '' || !error) resolve(stdout);
      else reject(new Error(stderr.trim() || error.message, { cause: error }));
    });
  });
}
