import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinImages, ImageTable, parseImageRecords, repositoryOf, tagOf } from './index.ts';

test('a repository is the name without default registry, tag and digest', () => {
  assert.equal(repositoryOf('docker.io/library/nginx:1.27'), 'nginx');
  assert.equal(repositoryOf('localhost:5000/team/app'), 'localhost:5000/team/app');
  assert.equal(repositoryOf('example.com/a/b@sha256:0123'), 'example.com/a/b');
});

test('a name without tag means latest, one with a digest means none', () => {
  assert.equal(tagOf('nginx'), 'latest');
  assert.equal(tagOf('localhost:5000/app:v1'), 'v1');
  assert.equal(tagOf('app@sha256:01'), '');
});

test('exact names win over prefixes, whatever the order', () => {
  const table = new ImageTable([
    { name: 'example.com/*', entrypoint: ['any'] },
    { name: 'example.com/proxy', entrypoint: ['proxy'] },
  ]);
  assert.deepEqual(table.find('example.com/proxy:v2')?.entrypoint, ['proxy']);
  assert.deepEqual(table.find('example.com/other')?.entrypoint, ['any']);
  assert.equal(table.find('elsewhere/other'), undefined);
});

test('a record with a tag matches only that tag', () => {
  const table = new ImageTable([{ name: 'app:v1', entrypoint: ['one'] }]);
  assert.ok(table.find('docker.io/library/app:v1'));
  assert.equal(table.find('app:v2'), undefined);
});

test('the id changes with the record', () => {
  const id = (entrypoint: string[]) => new ImageTable([{ name: 'a', entrypoint }]).find('a')?.id;
  assert.notEqual(id(['x']), id(['y']));
  assert.equal(id(['x']), id(['x']));
});

test('host programs are registered only where the host has them', () => {
  assert.ok(!builtinImages(() => false).some(({ name }) => name === 'nginx'));
  assert.ok(builtinImages(() => true).some(({ name }) => name === 'nginx'));
});

test('a flaw in a file of images is named with its place', () => {
  assert.throws(
    () => parseImageRecords('[{"name":"a"}]', 'images.json'),
    /images.json: image 0 \(a\): expected entrypoint/,
  );
  assert.throws(() => parseImageRecords('{}', 'images.json'), /expected a list/);
});
