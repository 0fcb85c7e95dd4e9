import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubts, hasSample, type MtlsEvidence } from './mtls.ts';

const outbound = 'response_total{direction="outbound",tls="true",server_id="bb",status_code="200"} 7';
const inbound = 'response_total{direction="inbound",tls="true",client_id="traffic"} 7';
const evidence: MtlsEvidence = {
  client: outbound,
  servers: { west: inbound },
  clientId: 'traffic',
  serverId: 'bb',
  capture: { packets: 40, plaintext: false, answersMeanwhile: 20 },
};

test('a sample counts when it has the labels and is not zero', () => {
  assert.ok(hasSample(outbound, 'response_total', { tls: 'true' }));
  assert.ok(!hasSample(outbound, 'response_total', { tls: 'false' }));
  assert.ok(!hasSample('response_total{tls="true"} 0', 'response_total', { tls: 'true' }));
  assert.ok(!hasSample(outbound, 'response', { tls: 'true' }));
});

test('full evidence leaves no doubt', () => assert.deepEqual(doubts(evidence), []));

test('each missing piece of evidence is one doubt', () => {
  assert.equal(doubts({ ...evidence, client: inbound }).length, 1);
  assert.match(doubts({ ...evidence, servers: { west: inbound, east: '' } })[0] ?? '', /proxy in east/);
  const doubt = (capture: Partial<MtlsEvidence['capture']>) =>
    doubts({ ...evidence, capture: { ...evidence.capture, ...capture } })[0] ?? '';
  assert.match(doubt({ packets: 0 }), /no packet/);
  assert.match(doubt({ plaintext: true }), /plaintext/);
  assert.match(doubt({ answersMeanwhile: 0 }), /no answer came during the capture/);
});
