import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROXY_METRICS } from '#model/metrics';
import { parseMetrics, Registry } from '#runtime/metrics';
import { type Authorization, defaultMeta, type InboundRoute } from '../discover/index.ts';
import { Outcome } from '../http/index.ts';
import { InboundMetrics } from './metrics.ts';

const ROUTE: InboundRoute = { meta: defaultMeta('route'), hosts: [], rules: [], authorizations: [] };
const AUTHZ: Authorization = { meta: defaultMeta('all'), networks: [], clients: 'any' };
const LABELS = {
  dst: { ip: '10.0.0.2', port: 80 },
  tls: { tls: 'true', client_id: 'web.a' },
  server: defaultMeta('server'),
} as const;

function make(authorities: boolean) {
  const time = { nowMs: 0 };
  const registry = new Registry(PROXY_METRICS, { seriesMax: 20_000, retainMs: 10 }, () => time.nowMs);
  return { time, registry, metrics: new InboundMetrics(registry, authorities) };
}

test('requests of gRPC servers are counted in their own families', () => {
  const { registry, metrics } = make(false);
  const { scopes, count } = metrics.requests({ ...LABELS, kind: 'grpc' }).allow(ROUTE, AUTHZ);
  count();
  for (const scope of scopes) scope.started();
  const families = parseMetrics(registry.render());
  assert.equal(families.get('inbound_grpc_requests_total')?.samples[0]?.value, 1);
  assert.equal(families.has('inbound_http_requests_total'), false);
  assert.equal(families.get('inbound_http_authz_allow_total')?.samples[0]?.value, 1);
});

test('requests for the proxy’s own pages are counted as requests, but in no figure of an application’s routes', () => {
  const { registry, metrics } = make(false);
  const { scopes, count } = metrics.requests({ ...LABELS, kind: 'own' }).allow(ROUTE, AUTHZ);
  count();
  for (const scope of scopes) scope.started();
  const families = parseMetrics(registry.render());
  assert.equal(families.get('request_total')?.samples[0]?.value, 1);
  assert.equal(families.get('inbound_http_authz_allow_total')?.samples[0]?.value, 1);
  assert.equal(families.has('inbound_http_requests_total'), false);
});

test('authorities are told apart only where the operator asked for it', () => {
  assert.equal(make(false).metrics.requests(LABELS).allow(ROUTE, AUTHZ).scopesFor, undefined);
  const { registry, metrics } = make(true);
  const { scopesFor } = metrics.requests(LABELS).allow(ROUTE, AUTHZ);
  for (const authority of ['a', 'b', 'a']) for (const scope of scopesFor?.(authority) ?? []) scope.started();
  const samples = parseMetrics(registry.render()).get('request_total')?.samples ?? [];
  assert.deepEqual(
    samples.filter(({ labels }) => labels['authority']).map(({ labels, value }) => [labels['authority'], value]),
    [
      ['a', 2],
      ['b', 1],
    ],
  );
});

test('when the last connection of a client is over, all of its series go after a while', () => {
  const { registry, metrics, time } = make(false);
  const connections = [metrics.requests(LABELS), metrics.requests(LABELS)];
  for (const connection of connections) {
    const { count, scopes } = connection.allow(ROUTE, AUTHZ);
    count();
    for (const scope of scopes) scope.ended(Object.assign(new Outcome(), { status: 200 }));
    connection.deny(ROUTE);
    connection.notFound();
  }
  connections[0]?.release();
  time.nowMs = 50;
  assert.match(registry.render(), /client_id="web.a"/);
  connections[1]?.release();
  time.nowMs = 60;
  assert.doesNotMatch(registry.render(), /web\.a/);
});
