import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as packet from 'dns-packet';
import type { EndpointSlice } from '#api/kube';
import { type ClustersetView, type ImportedService, resolveAll } from './clusterset.ts';
import { answer } from './message.ts';

const ports = [
  { name: 'http', port: 80 },
  { name: 'dns', protocol: 'UDP', port: 53 },
];
const imports: Record<string, ImportedService> = {
  web: { spec: { type: 'ClusterSetIP', ips: ['10.96.0.9', 'fd00::9'], ports } },
  db: { spec: { type: 'Headless', ports: [{ name: 'sql', port: 5432 }] } },
};
const slice = (...endpoints: EndpointSlice['endpoints']): EndpointSlice => ({
  metadata: {},
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
});
const view: ClustersetView = {
  service: () => undefined,
  slices: () => [],
  hasNamespace: () => true,
  nameOf: () => undefined,
  imported: (namespace, name) => (namespace === 'shop' ? imports[name] : undefined),
  importedSlices: (_namespace, name) =>
    name === 'db'
      ? [
          { cluster: 'east', slice: slice({ addresses: ['10.1.0.1'], hostname: 'db-0' }) },
          {
            cluster: 'west',
            slice: slice(
              { addresses: ['10.2.0.1'], hostname: 'db-0' },
              { addresses: ['10.2.0.2'], conditions: { ready: false } },
              { addresses: ['10.2.0.3'] },
            ),
          },
        ]
      : [],
};
const of = (name: string, type: string): string[] =>
  resolveAll(`${name}.shop.svc.clusterset.local`, view, 'cluster.local')
    .records.filter((record) => record.type === type)
    .map((record) =>
      record.type === 'A' ? record.address : record.type === 'SRV' ? `${record.target}:${record.port}` : record.target,
    );
const exists = (name: string): boolean => resolveAll(name, view, 'cluster.local').exists;

test('an imported service has the address of its import, and SRV with and without a port name', () => {
  assert.deepEqual(of('web', 'A'), ['10.96.0.9']);
  const base = 'web.shop.svc.clusterset.local';
  assert.deepEqual(of('web', 'SRV'), [`${base}:80`, `${base}:53`]);
  assert.deepEqual(of('_dns._udp.web', 'SRV'), [`${base}:53`]);
  assert.equal(exists(`_dns._tcp.${base}`), false);
});

test('a headless import has the ready pods of all clusters, each under its cluster’s name', () => {
  assert.deepEqual(of('db', 'A'), ['10.1.0.1', '10.2.0.1', '10.2.0.3']);
  assert.deepEqual(of('db-0.east.db', 'A'), ['10.1.0.1']);
  assert.deepEqual(of('db-0.west.db', 'A'), ['10.2.0.1']);
  assert.deepEqual(of('10-2-0-3.west.db', 'A'), ['10.2.0.3']);
  const base = 'db.shop.svc.clusterset.local';
  const all = [`db-0.east.${base}:5432`, `db-0.west.${base}:5432`, `10-2-0-3.west.${base}:5432`];
  assert.deepEqual(of('db', 'SRV'), all);
  assert.deepEqual(of('_sql._tcp.db', 'SRV'), all);
  assert.equal(exists(`db-0.north.${base}`), false);
  assert.equal(exists(`db-0.${base}`), false);
});

test('what nobody exports has no name', () => {
  assert.equal(exists('api.shop.svc.clusterset.local'), false);
  assert.equal(exists('web.other.svc.clusterset.local'), false);
  assert.equal(exists('web.shop.svc.notclusterset.local'), false);
});

test('an answer without records names the zone it comes from', () => {
  const query = packet.encode({
    type: 'query',
    id: 7,
    questions: [{ name: 'web.shop.svc.ClusterSet.local', type: 'AAAA' }],
  });
  const bytes = answer(query, view, { clusterDomain: 'cluster.local', isUdp: true });
  assert.ok(bytes);
  const { authorities, answers, flags } = packet.decode(bytes);
  assert.deepEqual([answers?.length, (flags ?? 0) & 15], [0, 0]);
  assert.equal(authorities?.[0]?.name, 'clusterset.local');
});
