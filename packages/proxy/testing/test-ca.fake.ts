import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bits,
  commonName,
  der,
  ECDSA_SHA256,
  integer,
  nameExtension,
  octets,
  oid,
  pem,
  sequence,
} from '../identity/der.ts';

const HOUR_MS = 3_600_000;

/** A certificate authority for tests, and the leaves it signs. */
export class TestCa {
  readonly #key: KeyObject;
  readonly #name: string;
  readonly pem: string;

  constructor(name = 'root.test') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = name;
    const isCa = sequence(
      oid('2.5.29.19'),
      der(0x01, Buffer.from([255])),
      octets(sequence(der(0x01, Buffer.from([255])))),
    );
    this.pem = pem('CERTIFICATE', this.#certificate(name, publicKey, 24 * HOUR_MS, isCa));
  }

  /** A new key and its leaf. `validMs` below 0: expired. */
  issue(name: string, validMs = HOUR_MS): { keyPem: string; chainPem: string } {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      chainPem: pem('CERTIFICATE', this.sign(name, publicKey, validMs)),
    };
  }

  /** A leaf for a key, as DER. */
  sign(name: string, publicKey: KeyObject, validMs: number): Uint8Array {
    return this.#certificate(name, publicKey, validMs, nameExtension(name));
  }

  #certificate(subject: string, publicKey: KeyObject, validMs: number, extension: Uint8Array): Uint8Array {
    const time = (ms: number): Buffer =>
      der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`));
    const nowMs = Date.now();
    const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]));
    const info = sequence(
      der(0xa0, integer(2)),
      serial,
      ECDSA_SHA256,
      commonName(this.#name),
      sequence(time(nowMs - 48 * HOUR_MS), time(nowMs + validMs)),
      commonName(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(extension)),
    );
    return sequence(info, ECDSA_SHA256, bits(sign('sha256', info, this.#key)));
  }
}
