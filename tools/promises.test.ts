import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './reference.ts';

const PAGE = 'conformance/scenarios/multicluster/README.md';

test('every test that stands beside a promise of several clusters is there', () => {
  const rows = [...readFileSync(join(root, PAGE), 'utf8').matchAll(/^\|[^|]*\| `([^`|]+)` \| ([^|]+) \|$/gm)];
  assert.ok(rows.length > 30, `${rows.length} rows`);
  for (const [, file = '', name = ''] of rows) {
    const text = readFileSync(join(root, file), 'utf8');
    assert.ok(text.includes(`test('${name}'`) || text.includes(`test("${name}"`), `${file}: ${name}`);
  }
});
