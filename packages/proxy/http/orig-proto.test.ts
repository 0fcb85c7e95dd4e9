import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldCache, type RequestHead, type ResponseHead } from '#wire/fields';
import { NAMES } from './names.ts';
import { downgradeRequest, downgradeResponse, goesAsHttp2, tellVersion, upgradeRequest } from './orig-proto.ts';

const FIELDS = new FieldCache(NAMES);

function request(changes: Partial<RequestHead> = {}): RequestHead {
  return {
    version: 11,
    method: 'POST',
    scheme: '',
    authority: 'web.a:80',
    path: '/x?y',
    absoluteForm: false,
    upgrade: '',
    fields: [FIELDS.fieldOf('accept', '*/*')],
    contentLength: -1,
    ...changes,
  };
}

function response(version: 10 | 11 | 20, fields: readonly (readonly [string, string])[] = []): ResponseHead {
  const made = fields.map(([name, value]) => FIELDS.fieldOf(name, value));
  return { version, status: 200, upgrade: '', fields: made, contentLength: -1 };
}

const origProto = (head: { fields: readonly { name: string; value: string }[] }) =>
  head.fields.filter(({ name }) => name === 'l5d-orig-proto').map(({ value }) => value);

test('what was upgraded is taken back to what it was', () => {
  const cases: [Partial<RequestHead>, string][] = [
    [{}, 'HTTP/1.1'],
    [{ version: 10 }, 'HTTP/1.0'],
    [{ absoluteForm: true, scheme: 'http' }, 'HTTP/1.1; absolute-form'],
    [{ version: 10, absoluteForm: true, scheme: 'https' }, 'HTTP/1.0; absolute-form'],
  ];
  for (const [changes, said] of cases) {
    const before = request(changes);
    const upgraded = upgradeRequest(before);
    assert.equal(upgraded.version, 20);
    assert.ok(upgraded.scheme === 'http' || upgraded.scheme === 'https');
    assert.deepEqual(origProto(upgraded), [said]);
    // A reader of HTTP/2 takes the host for the authority, and no field.
    const read = { ...upgraded, fields: upgraded.fields.filter(({ name }) => name !== 'host') };
    assert.deepEqual(downgradeRequest(read), before);
  }
});

test('an upgraded request says its host as a field, too, for proxies that give applications no other', () => {
  const hosts = (head: RequestHead) => head.fields.filter(({ name }) => name === 'host').map(({ value }) => value);
  assert.deepEqual(hosts(upgradeRequest(request())), ['web.a:80']);
  assert.deepEqual(hosts(upgradeRequest(request({ version: 10, authority: '' }))), []);
});

test('an application cannot pretend to be an upgraded request', () => {
  const forged = request({ fields: [FIELDS.fieldOf('l5d-orig-proto', 'HTTP/1.0; absolute-form')] });
  assert.deepEqual(origProto(upgradeRequest(forged)), ['HTTP/1.1']);
});

test('genuine HTTP/2 is not taken back, nor is what is said about unknown versions', () => {
  assert.equal(downgradeRequest(request({ version: 20, scheme: 'http' })), undefined);
  const strange = request({ version: 20, fields: [FIELDS.fieldOf('l5d-orig-proto', 'HTTP/3')] });
  assert.equal(downgradeRequest(strange), undefined);
  // Tunnels are never upgraded: who says so is no proxy, and a stream has no other end than its own.
  const tunnel = { version: 20, method: 'CONNECT', fields: [FIELDS.fieldOf('l5d-orig-proto', 'HTTP/1.1')] } as const;
  assert.equal(downgradeRequest(request({ ...tunnel, fields: [...tunnel.fields] })), undefined);
});

test('responses tell the version of the server, and that is all that the client learns', () => {
  for (const version of [10, 11] as const) {
    const head = response(version);
    tellVersion(head);
    const back = downgradeResponse({ ...head, version: 20 }, 11);
    assert.equal(back.version, version);
    assert.deepEqual(back.fields, []);
  }
  assert.equal(downgradeResponse(response(20), 10).version, 10);
  const genuine = response(20);
  tellVersion(genuine);
  assert.deepEqual(genuine.fields, []);
});

test('tunnels stay HTTP/1, HTTP/2 stays HTTP/2, the rest goes by the hint', () => {
  assert.equal(goesAsHttp2(request(), true), true);
  assert.equal(goesAsHttp2(request(), false), false);
  assert.equal(goesAsHttp2(request({ version: 20 }), false), true);
  assert.equal(goesAsHttp2(request({ upgrade: 'websocket' }), true), false);
  assert.equal(goesAsHttp2(request({ method: 'CONNECT' }), true), false);
  assert.equal(goesAsHttp2(request({ method: 'CONNECT', version: 20 }), true), true);
});
