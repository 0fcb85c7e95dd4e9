import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as packet from 'dns-packet';
import type { EndpointSlice, Service } from '#api/kube';
import type { ClustersetView } from './clusterset.ts';
import { answer } from './message.ts';
import { resolve } from './records.ts';

const DOMAIN = 'cluster.local';

const services: Service[] = [
  {
    metadata: { namespace: 'shop', name: 'web' },
    spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] },
  },
  { metadata: { namespace: 'shop', name: 'db' }, spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] } },
  { metadata: { namespace: 'shop', name: 'all' }, spec: { clusterIP: 'None', publishNotReadyAddresses: true } },
  {
    metadata: { namespace: 'shop', name: 'alias' },
    spec: { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' },
  },
];
const endpoints = [
  { addresses: ['10.42.0.7'], conditions: { ready: true } },
  { addresses: ['10.42.0.8'], conditions: { ready: true }, hostname: 'db-1' },
  { addresses: ['10.42.0.9'], conditions: { ready: false } },
];
const slice: EndpointSlice = {
  metadata: { namespace: 'shop', name: 'db-x' },
  addressType: 'IPv4',
  endpoints,
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
};

const view: ClustersetView = {
  imported: () => undefined,
  importedSlices: () => [],
  service: (namespace, name) =>
    services.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  slices: (_namespace, name) => (name === 'db' || name === 'all' ? [slice] : []),
  hasNamespace: (name) => name === 'shop',
  nameOf: (ip) => (ip === '10.96.0.9' ? 'web.shop.svc.cluster.local' : undefined),
};

const of = (name: string, type: string): string[] =>
  resolve(name, view, DOMAIN)
    .records.filter((record) => record.type === type)
    .map((record) =>
      record.type === 'A' ? record.address : record.type === 'SRV' ? `${record.target}:${record.port}` : record.target,
    );

test('a service has its cluster IP, and SRV by port name', () => {
  assert.deepEqual(of('web.shop.svc.cluster.local', 'A'), ['10.96.0.9']);
  assert.deepEqual(of('_http._tcp.web.shop.svc.cluster.local', 'SRV'), ['web.shop.svc.cluster.local:80']);
  assert.equal(resolve('_grpc._tcp.web.shop.svc.cluster.local', view, DOMAIN).exists, false);
});

test('a headless name has the ready addresses', () => {
  assert.deepEqual(of('db.shop.svc.cluster.local', 'A'), ['10.42.0.7', '10.42.0.8']);
  assert.deepEqual(of('all.shop.svc.cluster.local', 'A'), ['10.42.0.7', '10.42.0.8', '10.42.0.9']);
});

test('the bare headless name answers SRV with a dashed address as first label', () => {
  assert.deepEqual(of('db.shop.svc.cluster.local', 'SRV'), [
    '10-42-0-7.db.shop.svc.cluster.local:5432',
    'db-1.db.shop.svc.cluster.local:5432',
  ]);
});

test('endpoint names and pod names lead back to addresses', () => {
  assert.deepEqual(of('10-42-0-7.db.shop.svc.cluster.local', 'A'), ['10.42.0.7']);
  assert.deepEqual(of('db-1.db.shop.svc.cluster.local', 'A'), ['10.42.0.8']);
  assert.deepEqual(of('10-42-0-99.shop.pod.cluster.local', 'A'), ['10.42.0.99']);
  assert.equal(resolve('nobody.db.shop.svc.cluster.local', view, DOMAIN).exists, false);
});

test('names that are only the upper part of others exist without records', () => {
  for (const name of ['cluster.local', 'svc.cluster.local', 'shop.svc.cluster.local'])
    assert.deepEqual(resolve(name, view, DOMAIN), { exists: true, records: [] });
  assert.equal(resolve('nowhere.svc.cluster.local', view, DOMAIN).exists, false);
  assert.equal(resolve('example.com', view, DOMAIN).exists, false);
});

test('addresses resolve to names', () => {
  assert.deepEqual(of('9.0.96.10.in-addr.arpa', 'PTR'), ['web.shop.svc.cluster.local']);
});

/** dns-packet decodes the response code but its types do not say so. */
const rcodeOf = (decoded: packet.DecodedPacket): string => (decoded as unknown as { rcode: string }).rcode;

function ask(name: string, type: packet.RecordType, additionals: packet.Answer[] = []): packet.DecodedPacket {
  const query = packet.encode({
    type: 'query',
    id: 7,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals,
  });
  const bytes = answer(query, view, { clusterDomain: DOMAIN, isUdp: true });
  assert.ok(bytes);
  return packet.decode(bytes);
}

test('an existing name without records of the asked type is empty with the authority, not absent', () => {
  const response = ask('web.shop.svc.cluster.local', 'AAAA');
  assert.equal(rcodeOf(response), 'NOERROR');
  assert.equal(response.answers?.length, 0);
  assert.equal(response.authorities?.[0]?.type, 'SOA');
  assert.equal(rcodeOf(ask('none.shop.svc.cluster.local', 'A')), 'NXDOMAIN');
});

test('an alias brings the records of its target along', () => {
  const types = ask('alias.shop.svc.cluster.local', 'A').answers?.map(({ type }) => type);
  assert.deepEqual(types, ['CNAME', 'A']);
});

test('the answer spells the name as the question did', () => {
  assert.equal(ask('WEB.shop.svc.Cluster.local', 'A').answers?.[0]?.name, 'WEB.shop.svc.Cluster.local');
});

test('an answer too long for UDP is cut and says so; EDNS makes room', () => {
  const many: EndpointSlice = {
    ...slice,
    endpoints: Array.from({ length: 40 }, (_, index) => ({ addresses: [`10.42.1.${index}`] })),
  };
  const wide: ClustersetView = { ...view, slices: () => [many] };
  const query = (additionals: packet.Answer[]): Buffer =>
    packet.encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'db.shop.svc.cluster.local' }], additionals });
  const edns: packet.OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const decode = (bytes: Buffer | undefined): packet.DecodedPacket => packet.decode(bytes ?? Buffer.alloc(0));
  const cut = decode(answer(query([]), wide, { clusterDomain: DOMAIN, isUdp: true }));
  assert.equal(cut.flag_tc, true);
  const whole = decode(answer(query([edns]), wide, { clusterDomain: DOMAIN, isUdp: true }));
  assert.equal(whole.flag_tc, false);
  assert.equal(whole.answers?.length, 40);
  assert.equal(decode(answer(query([]), wide, { clusterDomain: DOMAIN, isUdp: false })).answers?.length, 40);
});

test('garbage is refused or dropped, never thrown', () => {
  assert.equal(answer(Buffer.alloc(3), view, { clusterDomain: DOMAIN, isUdp: true }), undefined);
  const broken = answer(Buffer.from(`${'00'.repeat(4)}0005${'ff'.repeat(9)}`, 'hex'), view, {
    clusterDomain: DOMAIN,
    isUdp: true,
  });
  assert.equal(broken && rcodeOf(packet.decode(broken)), 'FORMERR');
});
