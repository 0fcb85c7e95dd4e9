import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectHttp } from './index.ts';

const CASES: readonly (readonly [string, ReturnType<typeof detectHttp>])[] = [
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http/2'],
  ['PRI * HTTP/2.', undefined],
  ['PRI * HTTP/1.1\r\n', 'http/1'],
  ['GET / HTTP/1.1\r\n', 'http/1'],
  ['GET / HTTP/1.', undefined],
  ['GET /a/long/path/of/which', 'http/1'],
  ['GET /a HTTP/1.1', 'http/1'],
  ['GET / HTTP/3.1\r\n', 'not-http'],
  ['GET / HTTP/1.2\r\n', 'not-http'],
  ['G', undefined],
  ['PING\r\n', 'not-http'],
  ['*1\r\n$4\r\nPING\r\n', 'not-http'],
  ['\x16\x03\x01\x02\x00', 'not-http'],
  ['SSH-2.0-OpenSSH_9\r\n', 'not-http'],
  ['EHLO mail.example.org\r\n', 'not-http'],
  ['x'.repeat(80), 'not-http'],
];
for (const [text, want] of CASES)
  test(`${JSON.stringify(text.slice(0, 30))} is ${want ?? 'undecided'}`, () => {
    assert.equal(detectHttp(Buffer.from(text, 'latin1'), 0, text.length), want);
  });

test('more bytes never change a decision', () => {
  for (const [text] of CASES) {
    const bytes = Buffer.from(text, 'latin1');
    let decided: string | undefined;
    for (let length = 0; length <= bytes.length; length++) {
      const now = detectHttp(bytes, 0, length);
      // A request line may still turn out not to be one behind its first 14 bytes; the reverse must not happen.
      if (decided === 'not-http' || decided === 'http/2') assert.equal(now, decided);
      decided = now ?? decided;
    }
  }
});
