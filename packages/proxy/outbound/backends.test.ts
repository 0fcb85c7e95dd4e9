import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { FakeClock } from '#runtime/clock';
import { FakeLog } from '#runtime/log';
import { Registry } from '#runtime/metrics';
import { seededRandom } from '#runtime/random';
import { outboundConfig } from '../configs.ts';
import type { Deps } from '../deps.ts';
import { type Backend, defaultMeta } from '../discover/index.ts';
import { Credentials } from '../identity/index.ts';
import { TestCa, testConfig } from '../testing/index.ts';
import { Backends } from './backends.ts';

const META = defaultMeta('x');

function backend(path: string): Backend {
  return { meta: META, target: { kind: 'balancer', path, ewma: { defaultRttMs: 30, decayMs: 10_000 } } };
}

test('past the bound a backend that nobody uses makes room; where all are used a new one leads nowhere', () => {
  const ca = new TestCa();
  const config = outboundConfig(testConfig('a.b', ca.pem, {}), new Credentials('a.b', ca.pem));
  const clock = new FakeClock();
  const log = new FakeLog();
  const metrics = new Registry(PROXY_METRICS, { seriesMax: 1_000, retainMs: 1 }, () => clock.nowMs());
  const deps = { clock, log: log.log, metrics, random: seededRandom(1) } as unknown as Deps;
  const watched: string[] = [];
  const ended: string[] = [];
  const watchDestination = (path: string): (() => void) => {
    watched.push(path);
    return () => ended.push(path);
  };
  const backends = new Backends({ ...config.backends, countMax: 2 }, deps, { watchDestination });
  const first = backends.tcp(backend('one:80'), META);
  const second = backends.tcp(backend('two:80'), META);
  assert.ok(first && second);
  assert.equal(backends.tcp(backend('three:80'), META), undefined);
  assert.ok(log.lines.some((line) => /too many are in use/.test(line)));
  assert.ok(backends.tcp(backend('one:80'), META), 'those that are known are found');
  second.release();
  assert.ok(backends.tcp(backend('three:80'), META));
  assert.deepEqual([watched, ended], [['one:80', 'two:80', 'three:80'], ['two:80']]);
  backends.stop();
  assert.deepEqual(ended.sort(), ['one:80', 'three:80', 'two:80']);
});
