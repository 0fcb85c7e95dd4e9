import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTables } from '../iptables/index.ts';
import { ipv4SocketAddress } from '../netns/index.ts';
import { findProgram, missingPrograms } from '../programs/index.ts';
import { encodeFstab, overlayOptions } from './fstab.ts';

test('mounts become fstab lines with white space in octal', () => {
  const text = encodeFstab([
    { source: '/a b', target: '/c\td', type: 'bind', options: ['ro'] },
    { source: 'proc', target: '/proc', type: 'proc' },
  ]);
  assert.equal(text, '/a\\040b /c\\011d none bind,ro 0 0\nproc /proc proc defaults 0 0\n');
});

test('an overlay without an upper layer is read-only', () => {
  assert.deepEqual(overlayOptions({ lower: ['/a', '/b'] }), ['ro', 'lowerdir=/a:/b']);
  assert.deepEqual(overlayOptions({ lower: ['/a'], upper: '/u', work: '/w' }), [
    'lowerdir=/a',
    'upperdir=/u',
    'workdir=/w',
  ]);
});

test('iptables tables are one transaction each', () => {
  const text = encodeTables([{ table: 'nat', chains: ['MINE'], rules: ['-A PREROUTING -j MINE'] }]);
  assert.equal(text, '*nat\n:MINE - [0:0]\n-A PREROUTING -j MINE\nCOMMIT\n');
});

test('socket addresses are in network order', () => {
  assert.deepEqual([...ipv4SocketAddress('10.42.0.7', 8080)].slice(0, 8), [2, 0, 31, 144, 10, 42, 0, 7]);
  assert.throws(() => ipv4SocketAddress('10.42.0', 80), /not an IPv4 address/);
  assert.throws(() => ipv4SocketAddress('::1', 80), /not an IPv4 address/);
});

test('missing programs are named with their Debian packages', () => {
  assert.equal(findProgram('sh')?.endsWith('/sh'), true);
  assert.equal(missingPrograms(['sh']), undefined);
  assert.equal(
    missingPrograms(['no-such-program', 'sh']),
    'missing host programs: no-such-program; on Debian: apt-get install no-such-program',
  );
});
