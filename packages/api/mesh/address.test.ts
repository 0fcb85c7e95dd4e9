import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { decodeIp, decodeTcpAddress, destination, encodeIp, encodeTcpAddress, inbound, net } from './index.ts';

test('encodes an IPv4 address as the big-endian number of the wire contract', () => {
  assert.deepEqual(encodeIp('10.50.0.11')?.ip, { case: 'ipv4', value: 171048971 });
});

test('reads back any IPv4 address', () => {
  fc.assert(fc.property(fc.ipV4(), (text) => decodeIp(encodeIp(text)) === text));
});

test('reads back any IPv6 address in its shortest form', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const once = decodeIp(encodeIp(text));
      return once !== undefined && decodeIp(encodeIp(once)) === once;
    }),
  );
  assert.equal(decodeIp(encodeIp('2001:0DB8:0:0:1:0:0:1')), '2001:db8::1:0:0:1');
  assert.equal(decodeIp(encodeIp('::ffff:1.2.3.4')), '::ffff:102:304');
  assert.equal(decodeIp(encodeIp('::')), '::');
});

test('refuses what is not an address', () => {
  for (const text of ['', '1.2.3', '1.2.3.256', '01.2.3.4', 'web.a.svc', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', '::g'])
    assert.equal(encodeIp(text), undefined, text);
});

test('puts brackets around IPv6 in socket addresses', () => {
  assert.equal(decodeTcpAddress(encodeTcpAddress('fd00::1', 80)), '[fd00::1]:80');
  assert.equal(decodeTcpAddress(encodeTcpAddress('10.0.0.1', 80)), '10.0.0.1:80');
});

test('lays out messages as the wire contract numbers them', () => {
  const addr = create(destination.WeightedAddrSchema, {
    addr: encodeTcpAddress('10.0.0.1', 8080)!,
    weight: 10000,
    protocolHint: { protocol: { case: 'opaque', value: {} }, opaqueTransport: { inboundPort: 4143 } },
  });
  // 1 addr {1 ip {1 fixed32}, 2 port}, 3 weight, 6 protocol_hint {3 opaque {}, 2 opaque_transport {1 inbound_port}}
  assert.equal(
    Buffer.from(toBinary(destination.WeightedAddrSchema, addr)).toString('hex'),
    '0a0a0a050d0100000a10903f18904e3207120308af201a00',
  );
  assert.deepEqual(fromBinary(net.TcpAddressSchema, Uint8Array.from([0x10, 0x50])).port, 80);
  assert.equal(inbound.InboundServerPolicies.method.watchPort.methodKind, 'server_streaming');
  assert.equal(destination.Destination.typeName, 'io.linkerd.proxy.destination.Destination');
});
