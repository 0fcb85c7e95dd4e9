import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLimitBytes } from './memory-limit.ts';

const limit = (files: Record<string, string>) => memoryLimitBytes((path) => files[path]);

test('the memory limit is that of the control group, of either version, wherever it is mounted', () => {
  const v2 = { '/proc/self/cgroup': '0::/pod/c\n' };
  assert.equal(limit({ ...v2, '/sys/fs/cgroup/pod/c/memory.max': '262144000\n' }), 262144000);
  assert.equal(limit({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '1000\n' }), 1000);
  const v1 = { '/proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/pod/c\n0::/\n' };
  assert.equal(limit({ ...v1, '/sys/fs/cgroup/memory/pod/c/memory.limit_in_bytes': '500\n' }), 500);
  assert.equal(limit({ ...v1, '/sys/fs/cgroup/memory/memory.limit_in_bytes': '600\n' }), 600);
});

test('no limit, in the words of either version, and no files at all are 0', () => {
  assert.equal(limit({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' }), 0);
  const none = { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' };
  assert.equal(limit({ '/proc/self/cgroup': '4:memory:/\n', ...none }), 0);
  assert.equal(limit({}), 0);
});
