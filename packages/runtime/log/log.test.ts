import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, FakeLog, parseFilter } from './index.ts';

function filter(text: string) {
  const parsed = parseFilter(text);
  return 'value' in parsed ? parsed.value : assert.fail(parsed.error);
}

test('the most specific directive of a filter wins', () => {
  const chart = filter('warn,linkerd=info,hickory=error,[{headers}]=off,[{request}]=off');
  assert.equal(chart.enabled('linkerd_app_inbound', 'info'), true);
  assert.equal(chart.enabled('linkerd_app_inbound', 'debug'), false);
  assert.equal(chart.enabled('hickory_resolver', 'warn'), false);
  assert.equal(chart.enabled('other', 'warn'), true);
  assert.equal(filter('off').enabled('linkerd', 'error'), false);
  assert.ok('error' in parseFilter('linkerd=loud'));
  assert.ok('error' in parseFilter('what is this'));
});

function lines(format: 'plain' | 'json'): { written: string[]; log: ReturnType<typeof createLog> } {
  const written: string[] = [];
  const log = createLog({
    format,
    filter: filter('info'),
    write: (line) => written.push(line),
    uptimeSeconds: () => 1.5,
    wallMs: () => 0,
  });
  return { written, log };
}

test('plain lines carry uptime, level, target and fields', () => {
  const { written, log } = lines('plain');
  log.target('linkerd_app').info('Certified identity', { id: 'a.b' });
  log.debug('not shown');
  assert.deepEqual(written, ['[    1.500000s]  INFO ThreadId(01) linkerd_app: Certified identity id=a.b\n']);
});

test('JSON lines are one object each', () => {
  const { written, log } = lines('json');
  log.warn('x', { n: 1 });
  assert.deepEqual(JSON.parse(written[0] ?? ''), {
    timestamp: '1970-01-01T00:00:00.000Z',
    level: 'WARN',
    fields: { message: 'x', n: 1 },
    target: 'linkerd_proxy',
    threadId: 'ThreadId(1)',
  });
});

test('a peer cannot begin a line of its own', () => {
  const fake = new FakeLog();
  fake.log.info('name', { sni: 'a\nERROR forged' });
  assert.deepEqual(fake.lines, ['INFO linkerd_proxy: name sni=a\\x0aERROR forged']);
});

test('the filter can be changed while it runs, and a bad one changes nothing', () => {
  const { written, log } = lines('plain');
  assert.equal(log.setFilter('debug'), undefined);
  log.debug('now');
  assert.equal(written.length, 1);
  assert.match(log.setFilter('a=b') ?? '', /no log directive/);
  assert.equal(log.filterText(), 'debug');
});
