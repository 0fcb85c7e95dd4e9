import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, FakeLog, LineWriter, parseFilter } from './index.ts';

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

test('a flood of lines of one kind becomes ten a second and a count', () => {
  const written: string[] = [];
  const time = { seconds: 0 };
  let suppressed = 0;
  const log = createLog({
    format: 'plain',
    filter: filter('debug'),
    write: (line) => written.push(line),
    uptimeSeconds: () => time.seconds,
    wallMs: () => 0,
    suppressed: () => suppressed++,
  });
  for (let i = 0; i < 100; i++) log.warn('Limit passed', { client: i });
  log.warn('Another kind');
  assert.equal(written.length, 11);
  assert.equal(suppressed, 90);
  time.seconds = 1;
  log.warn('Limit passed', { client: 101 });
  log.warn('Limit passed', { client: 102 });
  assert.match(written.at(-2) ?? '', /Limit passed client=101 suppressed=90$/m);
  assert.match(written.at(-1) ?? '', /Limit passed client=102$/m);
  for (let i = 0; i < 100; i++) log.debug('Details');
  assert.equal(written.length, 113);
});

/** A descriptor that takes `takes` bytes at each call, when told to. */
function fakeDescriptor(takes: number) {
  const state = { text: '', pending: [] as (() => void)[], errors: [] as string[] };
  const write: NonNullable<ConstructorParameters<typeof LineWriter>[0]['write']> = (_fd, bytes, done) => {
    state.pending.push(() => {
      const code = state.errors.shift();
      if (code !== undefined) {
        done(Object.assign(new Error(code), { code }), 0);
        return;
      }
      const part = bytes.subarray(0, takes);
      state.text += Buffer.from(part).toString();
      done(null, part.length);
    });
  };
  return { state, write };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 15));

test('lines are gathered while a write is under way, and parts that were not taken follow', async () => {
  const { state, write } = fakeDescriptor(4);
  const writer = new LineWriter({ fd: 2, write });
  writer.write('one\n');
  writer.write('two\n');
  await turn();
  writer.write('three\n');
  state.errors.push('EAGAIN');
  const drained = writer.drained();
  for (let i = 0; i < 6; i++) {
    state.pending.shift()?.();
    await turn();
  }
  await drained;
  assert.equal(state.text, 'one\ntwo\nthree\n');
});

test('what a reader does not take in time is dropped and counted', async () => {
  const { state, write } = fakeDescriptor(1e9);
  let dropped = 0;
  const writer = new LineWriter({ fd: 2, write, dropped: () => dropped++ });
  writer.write('first\n');
  await turn();
  for (let i = 0; i < 3; i++) writer.write(`${'x'.repeat(600_000)}\n`);
  assert.equal(dropped, 2);
  state.errors.push('EPIPE');
  state.pending.shift()?.();
  await turn();
  writer.write('nobody reads\n');
  assert.equal(dropped, 3);
});
