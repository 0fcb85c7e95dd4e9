import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerFault, ApiError, NoAnswer } from '#kube/client';
import { createControlMetrics } from '../process/index.ts';
import { FAULTS, faultMessage, faultMetrics, faultOf } from './index.ts';

const withCode = (code: string): Error =>
  new Error('cannot reach the API server', { cause: Object.assign(new Error('x'), { code }) });

test('whatever a request fails with has a name', () => {
  const named: [unknown, string][] = [
    [ApiError.of(401, 'Unauthorized', 'no'), 'CredentialsRefused'],
    [ApiError.of(403, 'Forbidden', 'no'), 'AccessDenied'],
    [ApiError.of(500, 'InternalError', 'oops'), 'ServerError'],
    [ApiError.of(404, 'NotFound', 'the server could not find it'), 'ServerError'],
    [new AnswerFault('TooManyObjects', 'more than 5'), 'TooManyObjects'],
    [new NoAnswer('no answer within 30000 ms'), 'NoAnswer'],
    [new Error('lost', { cause: new NoAnswer('no connection') }), 'NoAnswer'],
    [withCode('ECONNREFUSED'), 'Unreachable'],
    [withCode('CERT_HAS_EXPIRED'), 'CertificateExpired'],
    [withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'CertificateUntrusted'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'CertificateOfOther'],
    ['no error at all', 'Unreachable'],
  ];
  for (const [error, reason] of named) assert.equal(faultOf(error).reason, reason, String(error));
});

test('a message says what was expected, what was seen and what to do, however much was sent', () => {
  assert.equal(
    faultMessage(faultOf(ApiError.of(500, 'InternalError', 'etcd is away'))),
    'Expected the API server to do as it is asked; saw: HTTP 500: etcd is away. Look at the API server of that cluster, and at what stands before it.',
  );
  assert.ok(faultMessage(faultOf(ApiError.fromResponse(500, 'x'.repeat(1_000_000)))).length < 1_000);
  const status = JSON.stringify({ kind: 'Status', message: 'x'.repeat(1_000_000), code: 'many', reason: 5 });
  assert.ok(faultMessage(faultOf(ApiError.fromResponse(500, status))).length < 1_000);
  for (const { expected, advice } of Object.values(FAULTS)) {
    assert.match(expected, /^[a-z].*[^.]$/);
    assert.match(advice, /^[A-Z].*\.$/);
  }
});

test('metrics name what is wrong with a cluster now', () => {
  const metrics = createControlMetrics(() => 0);
  const faults = faultMetrics(metrics);
  const lines = () =>
    metrics
      .render()
      .split('\n')
      .filter((line) => line.startsWith('remote_cluster_fault{'));
  faults('east', new Set(['ServerError', 'NoAnswer']));
  faults('east', new Set(['ServerError']));
  assert.deepEqual(lines().sort(), [
    'remote_cluster_fault{cluster="east",reason="NoAnswer"} 0',
    'remote_cluster_fault{cluster="east",reason="ServerError"} 1',
  ]);
});
