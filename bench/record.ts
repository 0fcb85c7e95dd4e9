/** Recorded figures: a section of README.md between two comments that carry its name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './machine.ts';

const README = join(import.meta.dirname, 'README.md');

/** Replaces the section `name` of `text` by `body`. Throws when there is none. */
export function replaceSection(text: string, name: string, body: string): string {
  const [begin, end] = [`<!-- recorded: ${name} -->`, `<!-- end of ${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no section between "${begin}" and "${end}"`);
  return `${text.slice(0, from + begin.length)}\n${body.trim()}\n${text.slice(to)}`;
}

/** Writes a result with its date, machine and command into README.md. */
export function record(name: string, command: string, body: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const header = `${date}, ${describeMachine()}. Command: \`${command}\`.`;
  writeFileSync(README, replaceSection(readFileSync(README, 'utf8'), name, `${header}\n\n${body}`));
}
