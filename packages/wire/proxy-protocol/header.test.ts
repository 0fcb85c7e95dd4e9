import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from './crc32c.ts';
import { decodeProxyHeader, PROXY_HEADER_BYTES_MAX } from './index.ts';
import { shortestIpv6 } from './ip.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const decode = (bytes: Buffer) => decodeProxyHeader(bytes, bytes.length);
const line = (text: string) => Buffer.from(text, 'latin1');

function binary(command: number, family: number, body: Buffer): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.from([0x20 | command, family, body.length >> 8, body.length & 255]), body]);
}
const tlv = (type: number, value: Buffer) =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value]);

/** Every proper beginning of a header asks for more; the whole one is the header, whatever follows. */
function decodeSplit(bytes: Buffer): unknown {
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeProxyHeader(bytes, length).kind, 'more', `${length} of ${bytes.length} bytes`);
  const longer = Buffer.concat([bytes, line('GET / HTTP/1.1\r\n')]);
  assert.deepEqual(decode(longer), decode(bytes));
  const result = decode(bytes);
  assert.equal(result.kind, 'header');
  assert.equal(result.kind === 'header' && result.next, bytes.length);
  return result.kind === 'header' && result.header;
}

const IPV4_BODY = Buffer.from([10, 0, 0, 9, 10, 0, 0, 1, 0xa1, 0x12, 0x01, 0xbb]);
const IPV4 = {
  source: { ip: '10.0.0.9', port: 41_234 },
  destination: { ip: '10.0.0.1', port: 443 },
  authority: undefined,
};
const NOTHING = { source: undefined, destination: undefined, authority: undefined };

test('reads lines of version 1', () => {
  assert.deepEqual(decodeSplit(line('PROXY TCP4 10.0.0.9 10.0.0.1 41234 443\r\n')), { version: 1, ...IPV4 });
  assert.deepEqual(decodeSplit(line('PROXY TCP6 FD00:0:0::9 fd00::1 0 65535\r\n')), {
    version: 1,
    source: { ip: 'fd00::9', port: 0 },
    destination: { ip: 'fd00::1', port: 65_535 },
    authority: undefined,
  });
  assert.deepEqual(decodeSplit(line('PROXY UNKNOWN\r\n')), { version: 1, ...NOTHING });
  assert.deepEqual(decodeSplit(line('PROXY UNKNOWN what ever 1\r\n')), { version: 1, ...NOTHING });
});

test('reads headers of version 2', () => {
  assert.deepEqual(decodeSplit(binary(1, 0x11, IPV4_BODY)), { version: 2, ...IPV4 });
  const ipv6 = Buffer.alloc(36);
  ipv6[0] = 0xfd;
  ipv6[15] = 9;
  ipv6[16] = 0xfd;
  ipv6[31] = 1;
  ipv6.writeUInt16BE(1, 32);
  ipv6.writeUInt16BE(2, 34);
  assert.deepEqual(decodeSplit(binary(1, 0x21, ipv6)), {
    version: 2,
    source: { ip: 'fd00::9', port: 1 },
    destination: { ip: 'fd00::1', port: 2 },
    authority: undefined,
  });
  assert.deepEqual(decodeSplit(binary(0, 0, Buffer.alloc(0))), { version: 2, ...NOTHING });
  assert.deepEqual(decodeSplit(binary(1, 0x31, Buffer.alloc(216))), { version: 2, ...NOTHING });
});

test('reads the authority, passes by what it does not know, and holds the checksum against the bytes', () => {
  const body = Buffer.concat([IPV4_BODY, tlv(2, line('web.test')), tlv(0xe0, line('?')), tlv(3, Buffer.alloc(4))]);
  const header = binary(1, 0x11, body);
  header.writeUInt32BE(crc32c(header), header.length - 4);
  assert.deepEqual(decodeSplit(header), { version: 2, ...IPV4, authority: 'web.test' });
  header[20] = 7;
  assert.deepEqual(decode(header), { kind: 'invalid', reason: 'its checksum is wrong' });
  // The check value of CRC-32C for the digits 1 to 9.
  assert.equal(crc32c(line('123456789')), 0xe3069283);
});

const INVALID: Record<string, Buffer> = {
  'a bare line feed': line('PROXY UNKNOWN\n'),
  'another protocol': line('PROXY UDP4 10.0.0.9 10.0.0.1 1 2\r\n'),
  'a missing port': line('PROXY TCP4 10.0.0.9 10.0.0.1 1\r\n'),
  'two spaces': line('PROXY TCP4  10.0.0.9 10.0.0.1 1 2\r\n'),
  'a port beyond 65535': line('PROXY TCP4 10.0.0.9 10.0.0.1 1 65536\r\n'),
  'a port with a leading zero': line('PROXY TCP4 10.0.0.9 10.0.0.1 01 2\r\n'),
  'an address with a leading zero': line('PROXY TCP4 010.0.0.9 10.0.0.1 1 2\r\n'),
  'an IPv6 address for TCP4': line('PROXY TCP4 ::1 ::1 1 2\r\n'),
  'an IPv6 address of nine groups': line('PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n'),
  'a line without end': line(`PROXY UNKNOWN ${'x'.repeat(107)}`),
  'version 3': Buffer.concat([SIGNATURE, Buffer.from([0x31, 0x11, 0, 0])]),
  'an unknown command': binary(2, 0x11, IPV4_BODY),
  datagrams: binary(1, 0x12, IPV4_BODY),
  'an unknown family': binary(1, 0x41, IPV4_BODY),
  'addresses cut short': binary(1, 0x11, IPV4_BODY.subarray(0, 11)),
  'an entry cut short': binary(1, 0x11, Buffer.concat([IPV4_BODY, Buffer.from([2, 0])])),
  'an entry longer than the header': binary(1, 0x11, Buffer.concat([IPV4_BODY, Buffer.from([2, 0, 5, 97])])),
  'a checksum of three bytes': binary(1, 0x11, Buffer.concat([IPV4_BODY, tlv(3, Buffer.alloc(3))])),
  'more than the limit': Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, PROXY_HEADER_BYTES_MAX >> 8, 0])]),
};
for (const [name, bytes] of Object.entries(INVALID))
  test(`refuses ${name}`, () => assert.equal(decode(bytes).kind, 'invalid'));

test('tells what is no PROXY header by the first bytes that differ', () => {
  for (const text of ['GET / HTTP/1.1\r\n', 'PROXYTCP4', '\r\n\r\nQUIT', '\x16\x03\x01'])
    assert.equal(decode(line(text)).kind, 'absent');
  assert.equal(decode(line('PRO')).kind, 'more');
  assert.equal(decode(line('\r\n\r\n')).kind, 'more');
  assert.equal(decode(Buffer.alloc(0)).kind, 'more');
});

test('IPv6 addresses get their shortest form', () => {
  const cases: Record<string, string | undefined> = {
    '0:0:0:0:0:0:0:0': '::',
    '::1': '::1',
    '1::': '1::',
    '2001:DB8::0:0:1': '2001:db8::1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '::ffff:10.0.0.1': '::ffff:a00:1',
    '1:2:3:4:5:6:7::8': undefined,
    '1::2::3': undefined,
    '12345::': undefined,
    ':1:2:3:4:5:6:7': undefined,
    '': undefined,
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(shortestIpv6(text), expected, text);
});

test('any addresses and ports come out as they went in', () => {
  const end = fc.tuple(fc.ipV4(), fc.nat(65_535));
  fc.assert(
    fc.property(end, end, ([source, sourcePort], [destination, destinationPort]) => {
      const result = decode(line(`PROXY TCP4 ${source} ${destination} ${sourcePort} ${destinationPort}\r\n`));
      const ends = {
        source: { ip: source, port: sourcePort },
        destination: { ip: destination, port: destinationPort },
      };
      assert.deepEqual(result.kind === 'header' && result.header, { version: 1, ...ends, authority: undefined });
      const body = Buffer.alloc(12);
      body.set(source.split('.').map(Number), 0);
      body.set(destination.split('.').map(Number), 4);
      body.writeUInt16BE(sourcePort, 8);
      body.writeUInt16BE(destinationPort, 10);
      const second = decode(binary(1, 0x11, body));
      assert.deepEqual(second.kind === 'header' && second.header, { version: 2, ...ends, authority: undefined });
    }),
  );
});
