import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AccessEntry, OPERATORS, parseAccessLogFormat } from './index.ts';

function entry(changes: Partial<AccessEntry> = {}): AccessEntry {
  const request: Record<string, string> = { 'content-length': '5', 'x-request-id': 'abc', 'user-agent': 'curl/8' };
  return {
    method: 'GET',
    uri: '/a?b=c',
    path: '/a?b=c',
    version: 'HTTP/1.1',
    authority: 'web:80',
    clientIp: '10.0.0.1',
    clientAddr: '10.0.0.1:5000',
    localAddr: '10.0.0.2:80',
    clientId: undefined,
    startWallMs: 0,
    totalMs: 12.5,
    processingMs: 0.25,
    status: 200,
    grpcStatus: -1,
    fault: undefined,
    requestField: (name) => request[name],
    responseField: () => undefined,
    ...changes,
  };
}

function line(format: string, changes: Partial<AccessEntry> = {}): string {
  const parsed = parseAccessLogFormat(format);
  return 'value' in parsed ? parsed.value(entry(changes)) : assert.fail(parsed.error);
}

test('apache lines name client, identity, time, request and status', () => {
  assert.equal(line('apache'), '10.0.0.1:5000 - - [1970-01-01T00:00:00.000Z] "GET /a?b=c HTTP/1.1" 200\n');
  assert.match(line('apache', { clientId: 'web.a' }), /^10.0.0.1:5000 web.a - /);
});

test('json lines have the keys of Linkerd', () => {
  assert.deepEqual(JSON.parse(line('json', { clientId: 'web.a' })), {
    'client.addr': '10.0.0.1:5000',
    'client.id': 'web.a',
    timestamp: '1970-01-01T00:00:00.000Z',
    method: 'GET',
    uri: '/a?b=c',
    version: 'HTTP/1.1',
    trace_id: 'abc',
    request_bytes: '5',
    status: 200,
    response_bytes: '',
    total_ns: 12_500_000,
    processing_ns: 250_000,
    user_agent: 'curl/8',
    host: 'web:80',
  });
});

test('format strings mix text and operators, with arguments, fallbacks and cuts', () => {
  assert.equal(
    line('100%% [%START_TIME%] %REQ(:METHOD)% %REQ(X-A?X-REQUEST-ID):2% %RESP(server)% %DURATION% %RESPONSE_CODE%'),
    '100% [1970-01-01T00:00:00.000Z] GET ab - 13 200\n',
  );
  assert.equal(line('%RESPONSE_CODE_DETAILS%'), 'via_upstream\n');
  assert.equal(line('%RESPONSE_CODE_DETAILS%', { fault: 'fail-fast' }), 'fail-fast\n');
});

test('a format that cannot be read says where', () => {
  const error = (format: string): string => {
    const parsed = parseAccessLogFormat(format);
    return 'error' in parsed ? parsed.error : '';
  };
  assert.match(error('combined'), /apache, json/);
  assert.match(error('%NO_SUCH%'), /%NO_SUCH%/);
  assert.match(error('%REQ%'), /takes an argument/);
  assert.match(error('%PROTOCOL(x)%'), /takes no argument/);
  assert.match(error('%START_TIME'), /no second %/);
});

test('whatever clients send, an entry is one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const changes = { uri: text, path: text, method: text, requestField: () => text };
      for (const format of ['apache', 'json', '"%REQ(X)%" %URI%'])
        assert.match(line(format, changes), /^[^\n\r]*\n$/, format);
      assert.equal(line('"%REQ(X)%"', changes).split('"').length, 3);
    }),
    { numRuns: 30 },
  );
});

test('every operator gives a value and has a line in the reference', () => {
  for (const [name, row] of Object.entries(OPERATORS)) {
    assert.match(name, /^[A-Z_]+$/);
    assert.ok(row.doc.endsWith('.'));
    assert.match(line(`%${name}${'argument' in row ? '(a)' : ''}%`), /^.+\n$/);
  }
});
