import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { destination, inbound, outbound } from '#api/mesh';
import { goJson } from './go-json.ts';

test('messages are printed as Go prints them: names, oneofs, numbers, nothing that is zero', () => {
  const server = create(inbound.ServerSchema, {
    protocol: { kind: { case: 'detect', value: { timeout: { seconds: 10n } } } },
    serverIps: [{ ip: { case: 'ipv4', value: 16909060 } }],
    labels: { group: '', kind: 'default' },
  });
  assert.deepEqual(goJson(inbound.ServerSchema, server), {
    protocol: { Kind: { Detect: { timeout: { seconds: 10 } } } },
    server_ips: [{ Ip: { Ipv4: 16909060 } }],
    labels: { group: '', kind: 'default' },
  });
});

test('an empty message in a oneof is an object, a scalar in a oneof is there even if it is zero', () => {
  const profile = create(destination.DestinationProfileSchema, {
    fullyQualifiedName: 'web.shop.svc.cluster.local',
    parentRef: { kind: { case: 'default', value: '' } },
  });
  assert.deepEqual(goJson(destination.DestinationProfileSchema, profile), {
    fully_qualified_name: 'web.shop.svc.cluster.local',
    parent_ref: { Kind: { Default: '' } },
  });
  const policy = create(outbound.OutboundPolicySchema, { protocol: { kind: { case: 'opaque', value: {} } } });
  assert.deepEqual(goJson(outbound.OutboundPolicySchema, policy), { protocol: { Kind: { Opaque: {} } } });
});
