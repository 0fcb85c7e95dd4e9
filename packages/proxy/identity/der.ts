/** The few ASN.1 types (X.690, DER) that a certificate request is made of. */

/** Tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest & 255);
  return Buffer.concat([Buffer.from([tag, 128 | length.length, ...length]), body]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => der(0x31, ...items);
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
export const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const integer = (value: number): Buffer => der(0x02, Buffer.from([value]));

/** `1.2.840.10045.4.3.2` and the like. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 127];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

/** `CN=name` as a distinguished name. */
export const commonName = (name: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(name))));

/** Tags of a subjectAltName's entries (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 0x82;
const URI_NAME = 0x86;

/** Whether an identity is a URI, such as `spiffe://cluster.local/ns/a/sa/web`, and not a DNS name. */
export const isUri = (identity: string): boolean => identity.includes('://');

/** The extension subjectAltName with one name, which is a DNS name or a URI. */
export const nameExtension = (identity: string): Buffer =>
  sequence(
    oid('2.5.29.17'),
    octets(sequence(der(isUri(identity) ? URI_NAME : DNS_NAME, Buffer.from(identity, 'latin1')))),
  );

/** ecdsa-with-SHA256. */
export const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/** PEM text of some DER bytes. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
