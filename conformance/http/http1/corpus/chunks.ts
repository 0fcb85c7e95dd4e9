import { type Case, chunked, get, group, PATH, post, smuggled } from '../case.ts';

const END = '0\r\n\r\n';
const RULE = 'RFC 9112 7.1';
const EXTENSION = 'RFC 9112 7.1.1';
const TRAILER = 'RFC 9112 7.1.2';

const bad = group(
  'Chunks',
  'refuse',
  [
    ['negative size', RULE, chunked(`-5\r\nhello\r\n${END}`)],
    ['plus sign', RULE, chunked(`+5\r\nhello\r\n${END}`)],
    ['0x before the size', RULE, chunked(`0x5\r\nhello\r\n${END}`)],
    ['h behind the size', RULE, chunked(`5h\r\nhello\r\n${END}`)],
    ['no hexadecimal digit', RULE, chunked(`g\r\nhello\r\n${END}`)],
    ['digit grouping', RULE, chunked(`0_5\r\nhello\r\n${END}`)],
    ['no size', RULE, chunked(`\r\nhello\r\n${END}`)],
    ['no size but an extension', RULE, chunked(`;a=b\r\nhello\r\n${END}`)],
    ['space before the size', RULE, chunked(` 5\r\nhello\r\n${END}`)],
    ['two sizes by a space', RULE, chunked(`5 5\r\nhello\r\n${END}`)],
    ['size and word', RULE, chunked(`5 bytes\r\nhello\r\n${END}`)],
    ['two sizes by a comma', RULE, chunked(`5,5\r\nhello\r\n${END}`)],
    ['tab before the size', RULE, chunked(`\t5\r\nhello\r\n${END}`)],
    ['vertical tab behind the size', RULE, chunked(`5\x0b\r\nhello\r\n${END}`)],
    ['NUL behind the size', RULE, chunked(`5\x00\r\nhello\r\n${END}`)],
    ['2^64 + 5', RULE, chunked(`10000000000000005\r\nhello\r\n${END}`)],
    ['2^64 - 1', RULE, chunked(`ffffffffffffffff\r\nhello\r\n${END}`)],
    ['2^63', RULE, chunked(`8000000000000000\r\nhello\r\n${END}`)],
    ['2^53 + 1', RULE, chunked(`20000000000001\r\nhello\r\n${END}`)],
    ['a thousand zeros before the size', RULE, chunked(`${'0'.repeat(1000)}5\r\nhello\r\n${END}`)],
    ['a thousand zeros as the last size', RULE, chunked(`${'0'.repeat(1000)}\r\n\r\n`)],
    ['size line ends in LF alone', 'RFC 9112 2.2', chunked(`5\nhello\r\n${END}`)],
    ['size line ends in CR alone', 'RFC 9112 2.2', chunked(`5\rhello\r\n${END}`)],
    ['size line ends in CR CR LF', 'RFC 9112 2.2', chunked(`5\r\r\nhello\r\n${END}`)],
    ['data ends in LF alone', RULE, chunked(`5\r\nhello\n${END}`)],
    ['data ends in CR alone', RULE, chunked(`5\r\nhello\r${END}`)],
    ['no line end behind data', RULE, chunked(`5\r\nhello${END}`)],
    ['data longer than its size', RULE, chunked(`4\r\nhello\r\n${END}`)],
    ['data shorter than its size', RULE, chunked(`7\r\nhello\r\n${END}`)],
    ['last size line ends in LF alone', RULE, chunked('5\r\nhello\r\n0\n\r\n')],
    ['last line is LF alone', RULE, chunked('5\r\nhello\r\n0\r\n\n')],
    ['last line is CR and a letter', RULE, chunked('5\r\nhello\r\n0\r\n\rX')],
    ['all lines end in LF alone', 'RFC 9112 2.2', chunked('5\nhello\n0\n\n')],
    ['LF alone behind a semicolon', EXTENSION, chunked(`5;\nhello\r\n${END}`)],
    ['extension with a CR inside', EXTENSION, chunked(`5;a\rb\r\nhello\r\n${END}`)],
    ['extension with a LF inside', EXTENSION, chunked(`5;a\nb\r\nhello\r\n${END}`)],
    ['extension with a NUL', EXTENSION, chunked(`5;a\x00\r\nhello\r\n${END}`)],
    ['extension with a control character', EXTENSION, chunked(`5;a=\x01\r\nhello\r\n${END}`)],
    ['extension of 100,000 bytes', EXTENSION, chunked(`5;${'a'.repeat(100_000)}\r\nhello\r\n${END}`)],
    ['extension of 5,000 bytes', EXTENSION, chunked(`5;a="${'a'.repeat(5_000)}"\r\nhello\r\n${END}`)],
    ['extension of 5,000 bytes on the last chunk', EXTENSION, chunked(`5\r\nhello\r\n0;${'a'.repeat(5_000)}\r\n\r\n`)],
    ['extensions without end', EXTENSION, chunked(`5${';a'.repeat(20_000)}`)],
    ['body ends before the last chunk', RULE, chunked('5\r\nhello\r\n')],
    ['body ends inside a chunk', RULE, chunked('5\r\nhel')],
    ['body ends inside a size', RULE, chunked('5')],
    ['body ends before the last line', RULE, chunked('5\r\nhello\r\n0\r\n')],
    ['body of a length ends early', 'RFC 9112 6.3', post(['Content-Length: 10'], 'hello')],
    ['body of a length that never comes', 'RFC 9112 6.3', post(['Content-Length: 10'])],
    ['the second chunk is bad', RULE, chunked(`5\r\nhello\r\nzz\r\nhello\r\n${END}`)],
    ['the second chunk is bad and comes later', RULE, [chunked('5\r\nhello\r\n'), `-1\r\n${END}`]],
  ],
  { mayBegin: true },
);

const badTrailers = group(
  'Trailers',
  'refuse',
  [
    ['no colon', TRAILER, chunked('5\r\nhello\r\n0\r\nnonsense\r\n\r\n')],
    ['space before the colon', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T : 1\r\n\r\n')],
    ['empty name', TRAILER, chunked('5\r\nhello\r\n0\r\n: 1\r\n\r\n')],
    ['folded', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: 1\r\n 2\r\n\r\n')],
    ['folded first line', TRAILER, chunked('5\r\nhello\r\n0\r\n X-T: 1\r\n\r\n')],
    ['LF alone', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: 1\n\r\n')],
    ['LF alone as the last line', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: 1\r\n\n')],
    ['CR alone', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: 1\rX-U: 2\r\n\r\n')],
    ['NUL in a value', TRAILER, chunked('5\r\nhello\r\n0\r\nX-T: \x00\r\n\r\n')],
    ['a request in place of trailers', TRAILER, chunked(`5\r\nhello\r\n0\r\n${smuggled}`)],
    ['200 fields', TRAILER, chunked(`5\r\nhello\r\n0\r\n${'X-T: 1\r\n'.repeat(200)}\r\n`)],
    ['a value of 100,000 bytes', TRAILER, chunked(`5\r\nhello\r\n0\r\nX-T: ${'a'.repeat(100_000)}\r\n\r\n`)],
    ['fields without end', TRAILER, chunked(`5\r\nhello\r\n0\r\n${'X-T: 1\r\n'.repeat(30_000)}`)],
  ],
  { mayBegin: true },
);

const trailers = group(
  'Trailers',
  'either',
  [
    [
      'content-length',
      'RFC 9110 6.5.1',
      chunked('5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n'),
      { notSeen: /^Content-Length: 50/im },
    ],
    [
      'transfer-encoding',
      'RFC 9110 6.5.1',
      chunked('5\r\nhello\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n'),
      { notSeen: /^Transfer-Encoding: gzip/im },
    ],
    ['host', 'RFC 9110 6.5.1', chunked('5\r\nhello\r\n0\r\nHost: other.test\r\n\r\n'), { notSeen: /^Host: other/im }],
    [
      'connection',
      'RFC 9110 6.5.1',
      chunked('5\r\nhello\r\n0\r\nConnection: close\r\n\r\n'),
      { notSeen: /^Connection: close/im },
    ],
    ['trailer', 'RFC 9110 6.5.1', chunked('5\r\nhello\r\n0\r\nTrailer: Content-Length\r\n\r\n')],
    ['upgrade', 'RFC 9110 6.5.1', chunked('5\r\nhello\r\n0\r\nUpgrade: h2c\r\n\r\n'), { notSeen: /^Upgrade: h2c/im }],
    ['te', 'RFC 9110 6.5.1', chunked('5\r\nhello\r\n0\r\nTE: gzip\r\n\r\n'), { notSeen: /^TE: gzip/im }],
    [
      'identity of the mesh',
      'spec of the proxy',
      chunked('5\r\nhello\r\n0\r\nl5d-client-id: forged\r\n\r\n'),
      { notSeen: /forged/ },
    ],
    [
      'content-length in a GET',
      'RFC 9110 6.5.1',
      `${get('Transfer-Encoding: chunked')}0\r\nContent-Length: 50\r\n\r\n`,
      { notSeen: /^Content-Length: 50/im },
    ],
  ],
  { mayBegin: true },
);

const odd = group('Chunks', 'forward', [
  ['many chunks', RULE, chunked(`${'1\r\nx\r\n'.repeat(300)}${END}`)],
  ['only the last chunk', RULE, chunked(END)],
  ['leading zeros', RULE, chunked(`0005\r\nhello\r\n${END}`)],
  ['several zeros as the last size', RULE, chunked('5\r\nhello\r\n000\r\n\r\n')],
  ['capital digits', RULE, chunked(`A\r\nhelloworld\r\n${END}`)],
  ['small digits', RULE, chunked(`a\r\nhelloworld\r\n${END}`)],
  ['extension', EXTENSION, chunked(`5;name=value\r\nhello\r\n${END}`)],
  ['extension without a value', EXTENSION, chunked(`5;name\r\nhello\r\n${END}`)],
  ['quoted extension', EXTENSION, chunked(`5;name="a b;c"\r\nhello\r\n${END}`)],
  ['extension on the last chunk', EXTENSION, chunked('5\r\nhello\r\n0;last\r\n\r\n')],
  ['data that looks like chunks', RULE, chunked(`9\r\n0\r\n\r\nGET \r\n${END}`)],
  ['one byte a write', RULE, chunked('3\r\nabc\r\n0\r\n\r\n'), { bytewise: true }],
  ['a trailer', TRAILER, chunked('5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n')],
  [
    'announced trailers',
    TRAILER,
    `POST ${PATH} HTTP/1.1\r\nHost: web.test\r\nTrailer: X-Checksum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n`,
  ],
]);

const blanks = group(
  'Chunks',
  'either',
  [
    ['space behind the size', RULE, chunked(`5 \r\nhello\r\n${END}`)],
    ['space before an extension', EXTENSION, chunked(`5 ;a=b\r\nhello\r\n${END}`)],
    ['space behind the semicolon', EXTENSION, chunked(`5; a=b\r\nhello\r\n${END}`)],
    ['an extension that is no token', EXTENSION, chunked(`5;a=(b)\r\nhello\r\n${END}`)],
    ['a lone semicolon', EXTENSION, chunked(`5;\r\nhello\r\n${END}`)],
    ['an open quotation', EXTENSION, chunked(`5;a="b\r\nhello\r\n${END}`)],
  ],
  { mayBegin: true },
);

export const chunks: readonly Case[] = [...bad, ...badTrailers, ...trailers, ...odd, ...blanks];
