import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { referencePages, root } from './reference.ts';

for (const [path, text] of referencePages())
  test(`${path} says what the tables say`, () => {
    assert.equal(readFileSync(join(root, path), 'utf8'), text, 'run: npm run generate');
  });
