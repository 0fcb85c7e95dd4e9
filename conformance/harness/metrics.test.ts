import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumOf } from './index.ts';

test('requests are summed over the series that have all labels', () => {
  const metrics = [
    'request_total{direction="inbound",tls="true",client_id="a"} 3',
    'request_total{direction="inbound",tls="true",client_id="a",x="y"} 4',
    'request_total{direction="inbound",tls="no_identity"} 5',
    'inbound_request_total{direction="inbound",tls="true"} 7',
  ].join('\n');
  assert.equal(sumOf(metrics, 'request_total', { direction: 'inbound', tls: 'true' }), 7);
  assert.equal(sumOf(metrics, 'request_total'), 12);
});
