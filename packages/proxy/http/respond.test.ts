import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, Fault, type FaultCode } from '#model/faults';
import { faultHead, faultTrailers } from './respond.ts';

const CODES = Object.keys(FAULTS) as FaultCode[];
const texts = (fields: readonly { name: string; value: string }[]): string[] =>
  fields.map(({ name, value }) => `${name}: ${value}`);

test('every fault has an answer for HTTP, with the status of its row and why', () => {
  for (const code of CODES) {
    const { status, text, closes } = FAULTS[code];
    const head = faultHead(new Fault(code, 'seen'), { version: 11, isGrpc: false, explain: true, closes });
    assert.equal(head.status, status, code);
    const expected = [`l5d-proxy-error: ${text}: seen`, ...(closes ? ['l5d-proxy-connection: close'] : [])];
    assert.deepEqual(texts(head.fields), [...expected, 'content-length: 0'], code);
  }
});

test('every fault has an answer for gRPC, with the status of its row', () => {
  for (const code of CODES) {
    const { grpc } = FAULTS[code];
    assert.ok(grpc > 0 && grpc <= 16, code);
    const head = faultHead(new Fault(code), { version: 20, isGrpc: true, explain: false, closes: false });
    assert.equal(head.status, 200, code);
    assert.deepEqual(texts(head.fields), ['content-type: application/grpc', `grpc-status: ${grpc}`], code);
  }
});

test('what a filter chose replaces what the row says', () => {
  const fault = new Fault('injected', 'on purpose');
  fault.status = 418;
  fault.grpc = 8;
  assert.equal(faultHead(fault, { version: 11, isGrpc: false, explain: false, closes: false }).status, 418);
  assert.deepEqual(texts(faultTrailers(fault, false)), ['grpc-status: 8']);
  const redirect = new Fault('redirected');
  redirect.status = 307;
  redirect.location = 'https://b/x\r\nset-cookie: a=b';
  const head = faultHead(redirect, { version: 11, isGrpc: false, explain: false, closes: false });
  assert.deepEqual(texts(head.fields), ['location: https://b/x??set-cookie: a=b', 'content-length: 0']);
});

test('texts are made harmless: no control characters, no endless ones, percent signs escaped for gRPC', () => {
  const fault = new Fault('bad-request', `50%\r\nx: 1 é${'y'.repeat(5_000)}`);
  const head = faultHead(fault, { version: 11, isGrpc: false, explain: true, closes: false });
  assert.match(head.fields[0]!.value, /: 50%\?\?x: 1 \?y+$/);
  assert.ok(head.fields[0]!.value.length <= 2_048);
  assert.match(faultTrailers(fault, true)[1]!.value, /: 50%25\?\?x/);
});
