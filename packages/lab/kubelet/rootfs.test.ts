import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { prepareRootfs, type RootfsSpec, resolvePath, subPathOf } from './rootfs.ts';

const base = mkdtempSync(join(tmpdir(), 'rootfs-'));
after(() => rmSync(base, { recursive: true }));

const links = { bin: 'usr/bin', 'var/run': 'run' };

function spec(name: string, rest: Partial<RootfsSpec> = {}): RootfsSpec {
  const template = join(base, 'template');
  for (const folder of ['etc', 'dev', 'tmp']) mkdirSync(join(template, folder), { recursive: true });
  return {
    folder: join(base, name),
    template: { folder: template, hostFolders: [], links },
    image: { id: 'x', name: 'x', entrypoint: [] },
    security: {
      uid: 0,
      gid: 0,
      groups: [],
      capabilities: [],
      ambient: [],
      noNewPrivileges: true,
      readOnlyRoot: false,
      privileged: false,
    },
    binds: [],
    etc: { hosts: 'h' },
    terminationMessagePath: '/dev/termination-log',
    workingDir: '/',
    shmBytes: 1,
    ...rest,
  };
}

const fstab = (name: string): string[] =>
  readFileSync(join(base, name, 'fstab'), 'utf8')
    .trim()
    .split('\n');

test('paths are resolved through the links at the top', () => {
  assert.equal(resolvePath('/var/run/secrets/x/', { links }), '/run/secrets/x');
  assert.equal(resolvePath('/bin/sh', { links }), '/usr/bin/sh');
  assert.equal(resolvePath('/binary', { links }), '/binary');
  assert.equal(resolvePath('/a/../../etc', { links }), '/etc');
});

test('mount points lie in the layer, or in the volume that covers them, and outer ones come first', () => {
  const [outer, inner] = [join(base, 'v-outer'), join(base, 'v-inner')];
  for (const folder of [outer, inner]) mkdirSync(folder);
  const bind = (source: string, mountPath: string) => ({ source, mountPath, readOnly: false });
  prepareRootfs(spec('nested', { binds: [bind(inner, '/data/inner/deep'), bind(outer, '/data')] }));
  assert.ok(existsSync(join(base, 'nested/layer/data')));
  assert.ok(existsSync(join(outer, 'inner/deep')));
  const targets = fstab('nested').map((line) => line.split(' ')[1]);
  assert.ok(targets.indexOf(`${base}/nested/root/data`) < targets.indexOf(`${base}/nested/root/data/inner/deep`));
});

test('a read-only root has no upper layer; every writable mount refuses devices', () => {
  prepareRootfs(spec('frozen', { security: { ...spec('frozen').security, readOnlyRoot: true } }));
  const [root] = fstab('frozen');
  assert.match(root ?? '', /\/frozen\/root overlay nodev,ro,lowerdir=[^,]+\/layer:/);
  assert.ok(!root?.includes('upperdir'));
});

test('a volume under /usr gets its mount point in a layer over the host /usr', () => {
  const volume = join(base, 'v-usr');
  mkdirSync(volume);
  prepareRootfs(spec('usr', { binds: [{ source: volume, mountPath: '/usr/share/nothing-here/x', readOnly: true }] }));
  assert.ok(existsSync(join(base, 'usr/usr/share/nothing-here/x')));
});

test('a sub path is made inside its volume and never leaves it', () => {
  const volume = join(base, 'v-sub');
  mkdirSync(volume);
  symlinkSync('/etc', join(volume, 'planted'));
  assert.equal(subPathOf(volume, 'a/b'), join(volume, 'a/b'));
  assert.throws(() => subPathOf(volume, '../x'), /leaves its volume/);
  assert.throws(() => subPathOf(volume, 'planted/ssl'), /leaves its volume by a link/);
});
