import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifests, renderManifests, renderTable, toYaml } from './index.ts';

test('texts that a YAML 1.1 reader would take for something else are quoted', () => {
  const value = {
    a: 'y',
    b: '12:30:45',
    c: '0644',
    d: 'no',
    e: 'true',
    f: '1e3',
    g: 'line\n',
    h: '',
    i: '~',
    j: '2001-01-01',
  };
  const text = toYaml(value);
  assert.deepEqual(parseManifests(text, 'x')[0], value);
  for (const line of text.split('\n').filter((each) => /^[abcdefhij]:/.test(each)))
    assert.match(line, /^\w: ["']/, line);
});

test('manifests are read as kubectl reads them', () => {
  const text =
    'mode: 0644\non: yes\ntime: 12:30\nletter: y\nbase: &b {x: 1}\nmerged:\n  <<: *b\n  z: 2\n---\n# nothing\n---\na: 1\n';
  assert.deepEqual(parseManifests(text, 'x'), [
    { mode: 420, true: true, time: '12:30', letter: 'y', base: { x: 1 }, merged: { x: 1, z: 2 } },
    { a: 1 },
  ]);
});

test('a broken manifest is refused with its source', () => {
  assert.throws(() => parseManifests('a: [', 'app.yaml'), /^Error: app\.yaml: /);
  assert.throws(() => parseManifests('- a', 'app.yaml'), /a document is not an object/);
});

test('JSON output is one object a line, YAML documents begin with a separator', () => {
  assert.equal(renderManifests([{ a: 1 }, { b: 2 }], 'json'), '{"a":1}\n{"b":2}\n');
  assert.equal(renderManifests([{ a: 1 }, { b: 2 }]), '---\na: 1\n---\nb: 2\n');
});

test('tables align all but the last column', () => {
  assert.equal(
    renderTable([
      ['NAME', 'IP'],
      ['longer-name', '1'],
    ]),
    'NAME          IP\nlonger-name   1\n',
  );
});
