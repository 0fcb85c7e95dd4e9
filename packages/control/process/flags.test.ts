import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags, parseListenAddress } from './flags.ts';

const specs = {
  addr: { default: ':8080' as string, doc: '' },
  'enable-x': { default: true as boolean, doc: '' },
  size: { default: 100 as number, doc: '' },
};

test("reads flags in all of Go's spellings", () => {
  const { flags, problems } = parseFlags(['-addr=:1', '--enable-x=false', '-size', '7'], specs);
  assert.deepEqual(flags, { addr: ':1', 'enable-x': false, size: 7 });
  assert.deepEqual(problems, []);
  assert.equal(parseFlags(['-enable-x'], specs).flags['enable-x'], true);
  assert.equal(parseFlags(['-addr='], specs).flags.addr, '');
});

test('says which flag is unknown or malformed, and keeps the defaults', () => {
  const { flags, problems } = parseFlags(['-nope', '-size=many', 'word', '-toString=1'], specs);
  assert.equal(flags.size, 100);
  assert.equal(problems.length, 4);
  assert.match(problems[1] ?? '', /flag -size: expected a number, got "many"/);
});

test('splits listening addresses', () => {
  assert.deepEqual(parseListenAddress(':8080'), { host: '0.0.0.0', port: 8080 });
  assert.deepEqual(parseListenAddress('[::]:9443'), { host: '::', port: 9443 });
  assert.equal(parseListenAddress('8080'), undefined);
  assert.equal(parseListenAddress(':99999'), undefined);
});
