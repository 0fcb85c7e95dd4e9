import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REQUIRED_PROGRAMS } from '#lab/supervisor';
import { DEBIAN_PACKAGES } from '#net/programs';
import { PROGRAMS } from './setup.mjs';

const installed: Readonly<Record<string, string>> = PROGRAMS;

test('set-up installs every program without which no lab starts', () => {
  for (const program of REQUIRED_PROGRAMS) assert.ok(installed[program], program);
});

test('set-up installs every program that a scenario asks for; kubectl is the reader’s', () => {
  const folder = join(import.meta.dirname, '..', 'conformance');
  const sources = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const asked = sources.flatMap((text) =>
    [...text.matchAll(/requireProgram\('([^']+)'/g)].map((match) => match[1] ?? ''),
  );
  assert.ok(asked.length > 3);
  for (const program of new Set(asked)) assert.ok(program === 'kubectl' || installed[program], program);
});

test('set-up and the messages of a lab name the same packages', () => {
  for (const [program, name] of Object.entries(DEBIAN_PACKAGES))
    if (installed[program]) assert.equal(installed[program], name, program);
});
