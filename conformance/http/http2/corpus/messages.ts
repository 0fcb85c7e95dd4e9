import { HOST, PATH, smuggled } from '../../http1/case.ts';
import { type Case, data, get, group, headers, odd, plain, post, pseudo } from '../case.ts';

const PSEUDO = 'RFC 9113 8.3';
const REQUEST = 'RFC 9113 8.3.1';
const FIELDS = 'RFC 9113 8.2.1';
const CONNECTION = 'RFC 9113 8.2.2';
const LENGTH = 'RFC 9113 8.1.1';
const TRAILERS = 'RFC 9113 8.1';
const CONNECT = 'RFC 9113 8.5';
const INJECTED = `x\r\n\r\n${smuggled}`;

const pseudoHeaders = group('Pseudo-header fields', 'refuse', [
  ['no method', REQUEST, odd({ ':method': undefined })],
  ['no scheme', REQUEST, odd({ ':scheme': undefined })],
  ['no path', REQUEST, odd({ ':path': undefined })],
  ['none', REQUEST, () => headers(1, [['x-odd', '1']])],
  ['no field at all', REQUEST, () => headers(1, [])],
  ['method twice', PSEUDO, (path) => headers(1, [[':method', 'GET'], ...plain(path)])],
  ['scheme twice', PSEUDO, (path) => headers(1, [[':scheme', 'http'], ...plain(path)])],
  ['path twice', PSEUDO, (path) => headers(1, [[':path', '/other'], ...plain(path)])],
  ['authority twice, equal', PSEUDO, (path) => headers(1, [[':authority', HOST], ...plain(path)])],
  ['authority twice, different', PSEUDO, (path) => headers(1, [[':authority', 'other.test'], ...plain(path)])],
  ['one that nobody knows', PSEUDO, (path) => headers(1, [...plain(path), [':odd', '1']])],
  ['a lone colon', PSEUDO, (path) => headers(1, [...plain(path), [':', '1']])],
  ['status', PSEUDO, (path) => headers(1, [...plain(path), [':status', '200']])],
  ['protocol without CONNECT', 'RFC 8441 4', (path) => headers(1, [...plain(path), [':protocol', 'websocket']])],
  ['protocol of a CONNECT, not negotiated', 'RFC 8441 3', odd({ ':method': 'CONNECT' }, [':protocol', 'websocket'])],
  ['behind another field', PSEUDO, (path) => headers(1, [['x-odd', '1'], ...plain(path)])],
  [
    'the last behind another field',
    PSEUDO,
    (path) => headers(1, [...plain(path).slice(0, 3), ['x-odd', '1'], [':path', path]]),
  ],
  ['in capitals', FIELDS, (path) => headers(1, [...plain(path).slice(1), [':METHOD', 'GET']])],
  ['empty method', REQUEST, odd({ ':method': '' })],
  ['empty scheme', REQUEST, odd({ ':scheme': '' })],
  ['empty path', REQUEST, odd({ ':path': '' })],
  ['path without a slash', REQUEST, odd({ ':path': 'c/x' })],
  ['asterisk of a GET', REQUEST, odd({ ':path': '*' })],
  ['absolute form as path', REQUEST, odd({ ':path': `http://${HOST}${PATH}` })],
  ['fragment in the path', REQUEST, odd({ ':path': `${PATH}#part` })],
  ['space in the path', REQUEST, odd({ ':path': `${PATH} HTTP/1.1` })],
  ['tab in the path', FIELDS, odd({ ':path': `${PATH}\tx` })],
  ['CR LF in the path', FIELDS, odd({ ':path': `${PATH} HTTP/1.1\r\nx: ${INJECTED}` })],
  ['LF in the path', FIELDS, odd({ ':path': `${PATH}\nx` })],
  ['CR in the path', FIELDS, odd({ ':path': `${PATH}\rx` })],
  ['NUL in the path', FIELDS, odd({ ':path': `${PATH}\x00` })],
  ['delete character in the path', FIELDS, odd({ ':path': `${PATH}\x7f` })],
  ['space in the method', 'RFC 9110 9.1', odd({ ':method': `GET ${PATH} HTTP/1.1` })],
  ['CR LF in the method', FIELDS, odd({ ':method': `GET /smuggled HTTP/1.1\r\nhost: ${HOST}\r\n\r\nGET` })],
  ['colon in the method', 'RFC 9110 9.1', odd({ ':method': 'GE:T' })],
  ['NUL in the method', FIELDS, odd({ ':method': 'GET\x00' })],
  ['byte above 127 in the method', 'RFC 9110 9.1', odd({ ':method': 'G\xc9T' })],
  ['CR LF in the authority', FIELDS, odd({ ':authority': `${HOST}\r\nx: ${INJECTED}` })],
  ['space in the authority', REQUEST, odd({ ':authority': 'web test' })],
  ['path in the authority', REQUEST, odd({ ':authority': `${HOST}/x` })],
  ['user information in the authority', REQUEST, odd({ ':authority': `user@${HOST}` })],
  ['a list as authority', REQUEST, odd({ ':authority': `${HOST}, other.test` })],
  ['letters as port', REQUEST, odd({ ':authority': `${HOST}:http` })],
  ['two ports', REQUEST, odd({ ':authority': `${HOST}:80:80` })],
  ['NUL in the authority', FIELDS, odd({ ':authority': `${HOST}\x00` })],
  ['CR LF in the scheme', FIELDS, odd({ ':scheme': `http\r\nx: ${INJECTED}` })],
  ['a URL as scheme', REQUEST, odd({ ':scheme': 'http://other.test/' })],
  ['space in the scheme', REQUEST, odd({ ':scheme': 'ht tp' })],
  ['Host that disagrees', REQUEST, get(['host', 'other.test'])],
  ['two Hosts and no authority', REQUEST, odd({ ':authority': undefined }, ['host', HOST], ['host', 'other.test'])],
  ['bad Host and no authority', REQUEST, odd({ ':authority': undefined }, ['host', 'web test'])],
  ['CR LF in Host', FIELDS, odd({ ':authority': undefined }, ['host', `${HOST}\r\nx: ${INJECTED}`])],
  ['CONNECT with a path', CONNECT, odd({ ':method': 'CONNECT', ':scheme': undefined, ':authority': `${HOST}:80` })],
  ['CONNECT with a scheme', CONNECT, odd({ ':method': 'CONNECT', ':path': undefined, ':authority': `${HOST}:80` })],
  [
    'CONNECT without an authority',
    CONNECT,
    odd({ ':method': 'CONNECT', ':path': undefined, ':scheme': undefined, ':authority': undefined }),
  ],
  ['CONNECT without a port', CONNECT, odd({ ':method': 'CONNECT', ':path': undefined, ':scheme': undefined })],
]);

const fields = group('Fields', 'refuse', [
  ['connection', CONNECTION, get(['connection', 'keep-alive'])],
  ['connection: close', CONNECTION, get(['connection', 'close'])],
  ['keep-alive', CONNECTION, get(['keep-alive', 'timeout=5'])],
  ['proxy-connection', CONNECTION, get(['proxy-connection', 'keep-alive'])],
  ['transfer-encoding', CONNECTION, get(['transfer-encoding', 'chunked'])],
  [
    'transfer-encoding and a body of chunks',
    CONNECTION,
    post([['transfer-encoding', 'chunked']], `0\r\n\r\n${smuggled}`),
  ],
  [
    'transfer-encoding and content-length',
    CONNECTION,
    post(
      [
        ['transfer-encoding', 'chunked'],
        ['content-length', '5'],
      ],
      'hello',
    ),
  ],
  ['transfer-encoding: identity', CONNECTION, get(['transfer-encoding', 'identity'])],
  ['upgrade', CONNECTION, get(['upgrade', 'websocket'])],
  ['upgrade to h2c', CONNECTION, get(['connection', 'upgrade'], ['upgrade', 'h2c'])],
  ['te: gzip', CONNECTION, get(['te', 'gzip'])],
  ['te: trailers, gzip', CONNECTION, get(['te', 'trailers, gzip'])],
  ['te: trailers and gzip in two fields', CONNECTION, get(['te', 'trailers'], ['te', 'gzip'])],
  ['name in capitals', FIELDS, get(['X-Odd', '1'])],
  ['one capital', FIELDS, get(['x-oDd', '1'])],
  ['transfer-encoding in capitals', FIELDS, get(['Transfer-Encoding', 'chunked'])],
  ['content-length in capitals', FIELDS, post([['Content-Length', '3']], 'hello')],
  ['empty name', FIELDS, get(['', '1'])],
  ['space in the name', FIELDS, get(['x odd', '1'])],
  ['space behind the name', FIELDS, get(['transfer-encoding ', 'chunked'])],
  ['colon in the name', FIELDS, get(['x:odd', '1'])],
  ['a whole field as name', FIELDS, get(['transfer-encoding: chunked\r\nx', '1'])],
  ['CR LF in the name', FIELDS, get([`x: 1\r\n\r\n${smuggled}x`, '1'])],
  ['LF in the name', FIELDS, get(['x\nodd', '1'])],
  ['CR in the name', FIELDS, get(['x\rodd', '1'])],
  ['NUL in the name', FIELDS, get(['x\x00odd', '1'])],
  ['control character in the name', FIELDS, get(['x\x01', '1'])],
  ['tab in the name', FIELDS, get(['x\todd', '1'])],
  ['delete character in the name', FIELDS, get(['x\x7f', '1'])],
  ['byte above 127 in the name', FIELDS, get(['x-\xf6dd', '1'])],
  ['parentheses in the name', 'RFC 9110 5.1', get(['x(odd)', '1'])],
  ['slash in the name', 'RFC 9110 5.1', get(['x/odd', '1'])],
  ['CR LF in the value', FIELDS, get(['x-odd', `1\r\nx-hidden: 2`])],
  ['a request in the value', FIELDS, get(['x-odd', INJECTED])],
  ['LF in the value', FIELDS, get(['x-odd', '1\n2'])],
  ['CR in the value', FIELDS, get(['x-odd', '1\r2'])],
  ['NUL in the value', FIELDS, get(['x-odd', '1\x002'])],
  ['space before the value', FIELDS, get(['x-odd', ' 1'])],
  ['space behind the value', FIELDS, get(['x-odd', '1 '])],
  ['tab before the value', FIELDS, get(['x-odd', '\t1'])],
  ['tab behind the value', FIELDS, get(['x-odd', '1\t'])],
  ['folded value', FIELDS, get(['x-odd', '1\r\n 2'])],
  ['CR LF in a cookie', FIELDS, get(['cookie', 'a=b\r\nx: y'])],
]);

const lengths = group(
  'Content-Length',
  'refuse',
  [
    ['more than the body', LENGTH, post([['content-length', '10']], 'hello')],
    ['less than the body', LENGTH, post([['content-length', '3']], 'hello')],
    ['0 and a body', LENGTH, post([['content-length', '0']], 'hello')],
    ['0 and a request as body', LENGTH, post([['content-length', '0']], smuggled)],
    ['5 and no body', LENGTH, (path) => headers(1, [...pseudo(path, { ':method': 'POST' }), ['content-length', '5']])],
    ['5 and an empty DATA frame', LENGTH, post([['content-length', '5']], '')],
    [
      'less than the body, in two frames',
      LENGTH,
      (path) => [
        headers(1, [...pseudo(path, { ':method': 'POST' }), ['content-length', '5']], false),
        data(1, 'hello', false),
        data(1, smuggled),
      ],
    ],
    [
      'more than the body, then trailers',
      LENGTH,
      (path) =>
        Buffer.concat([
          headers(1, [...pseudo(path, { ':method': 'POST' }), ['content-length', '9']], false),
          data(1, 'hello', false),
          headers(1, [['x-t', '1']]),
        ]),
    ],
    [
      'twice, different',
      LENGTH,
      post(
        [
          ['content-length', '5'],
          ['content-length', '6'],
        ],
        'hello',
      ),
    ],
    [
      'twice, equal',
      LENGTH,
      post(
        [
          ['content-length', '5'],
          ['content-length', '5'],
        ],
        'hello',
      ),
    ],
    ['a list', LENGTH, post([['content-length', '5, 5']], 'hello')],
    ['plus sign', LENGTH, post([['content-length', '+5']], 'hello')],
    ['minus sign', LENGTH, post([['content-length', '-5']], 'hello')],
    ['hexadecimal', LENGTH, post([['content-length', '0x5']], 'hello')],
    ['empty', LENGTH, post([['content-length', '']], 'hello')],
    ['not a number', LENGTH, post([['content-length', 'five']], 'hello')],
    ['2^64 + 5', LENGTH, post([['content-length', '18446744073709551621']], 'hello')],
    ['with CR LF', FIELDS, post([['content-length', '5\r\nx: 1']], 'hello')],
    [
      '5 and the stream never ends',
      LENGTH,
      (path) =>
        Buffer.concat([
          headers(1, [...pseudo(path, { ':method': 'POST' }), ['content-length', '5']], false),
          data(1, 'hel', false),
        ]),
    ],
  ],
  { mayBegin: true },
);

const trailing =
  (lines: readonly (readonly [string, string])[], end = true) =>
  (path: string) =>
    Buffer.concat([
      headers(1, pseudo(path, { ':method': 'POST' }), false),
      data(1, 'hello', false),
      headers(1, lines, end),
    ]);

const trailers = group(
  'Trailers',
  'refuse',
  [
    ['with a pseudo-header field', TRAILERS, trailing([[':path', '/other']])],
    ['with status', TRAILERS, trailing([[':status', '200']])],
    [
      'with a pseudo-header field behind another',
      TRAILERS,
      trailing([
        ['x-t', '1'],
        [':method', 'GET'],
      ]),
    ],
    ['without the end of the stream', TRAILERS, trailing([['x-t', '1']], false)],
    ['connection', CONNECTION, trailing([['connection', 'close']])],
    ['transfer-encoding', CONNECTION, trailing([['transfer-encoding', 'chunked']])],
    ['name in capitals', FIELDS, trailing([['X-T', '1']])],
    ['CR LF in the value', FIELDS, trailing([['x-t', INJECTED]])],
    ['CR LF in the name', FIELDS, trailing([[`x\r\n\r\n${smuggled}`, '1']])],
    ['NUL in the value', FIELDS, trailing([['x-t', '\x00']])],
    ['1,000 fields', TRAILERS, trailing(Array.from({ length: 1_000 }, (_, i) => [`x-t${i}`, '1'] as const))],
  ],
  { mayBegin: true },
);

/** Requests that ask the inbound proxy to make HTTP/1 of them. */
const ORIG = ['l5d-orig-proto', 'HTTP/1.1'] as const;
const downgrades = group('Downgrades', 'refuse', [
  ['CR LF in a value', FIELDS, get(ORIG, ['x-odd', INJECTED])],
  ['CR LF in a name', FIELDS, get(ORIG, [`x: 1\r\n\r\n${smuggled}x`, '1'])],
  ['CR LF in the path', FIELDS, odd({ ':path': `${PATH} HTTP/1.1\r\nx: ${INJECTED}` }, ORIG)],
  ['space in the path', REQUEST, odd({ ':path': `${PATH} HTTP/1.1` }, ORIG)],
  ['CR LF in the method', FIELDS, odd({ ':method': `GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\nGET` }, ORIG)],
  ['space in the method', FIELDS, odd({ ':method': 'GET /smuggled HTTP/1.1' }, ORIG)],
  ['CR LF in the authority', FIELDS, odd({ ':authority': `${HOST}\r\nx: ${INJECTED}` }, ORIG)],
  [
    'transfer-encoding and a body of chunks',
    CONNECTION,
    post([ORIG, ['transfer-encoding', 'chunked']], `0\r\n\r\n${smuggled}`),
  ],
  ['length 0 and a request as body', LENGTH, post([ORIG, ['content-length', '0']], smuggled), { mayBegin: true }],
  ['length shorter than the body', LENGTH, post([ORIG, ['content-length', '3']], `abc${smuggled}`), { mayBegin: true }],
  ['Host that disagrees', REQUEST, get(ORIG, ['host', 'other.test'])],
  ['a connection field', CONNECTION, get(ORIG, ['connection', 'x-odd'])],
  ['CR LF in the protocol asked for', FIELDS, get(['l5d-orig-proto', `HTTP/1.1\r\nx: ${INJECTED}`])],
  [
    'CR LF in trailers',
    FIELDS,
    (path) =>
      Buffer.concat([
        headers(1, [...pseudo(path, { ':method': 'POST' }), ORIG], false),
        data(1, 'hello', false),
        headers(1, [['x-t', INJECTED]]),
      ]),
    { mayBegin: true },
  ],
]);

const downgraded = group('Downgrades', 'either', [
  ['a GET', 'spec of the proxy', get(ORIG)],
  ['a body without a length', 'spec of the proxy', post([ORIG], smuggled)],
  ['a body that looks like the last chunk', 'spec of the proxy', post([ORIG], `0\r\n\r\n${smuggled}`)],
  [
    'a body of a GET',
    'spec of the proxy',
    (path) => Buffer.concat([headers(1, [...plain(path), ORIG], false), data(1, smuggled)]),
  ],
  ['a version that does not exist', 'spec of the proxy', get(['l5d-orig-proto', 'HTTP/9.9'])],
  ['absolute form', 'spec of the proxy', get(['l5d-orig-proto', 'HTTP/1.1; absolute-form'])],
  [
    'framing fields in trailers',
    'RFC 9110 6.5.1',
    (path) =>
      Buffer.concat([
        headers(1, [...pseudo(path, { ':method': 'POST' }), ORIG], false),
        data(1, 'hello', false),
        headers(1, [['content-length', '50']]),
      ]),
    { notSeen: /^content-length: 50/im, mayBegin: true },
  ],
  ['two cookies', 'RFC 9113 8.2.3', get(ORIG, ['cookie', 'a=b'], ['cookie', 'c=d'])],
]);

const valid = group('Messages', 'forward', [
  ['plain', REQUEST, get()],
  ['a method that nobody knows', 'RFC 9110 9.1', odd({ ':method': 'BREW' })],
  ['OPTIONS *', REQUEST, odd({ ':method': 'OPTIONS', ':path': '*' })],
  ['https as scheme', REQUEST, odd({ ':scheme': 'https' })],
  ['Host in place of the authority', REQUEST, odd({ ':authority': undefined }, ['host', HOST])],
  ['Host that agrees', REQUEST, get(['host', HOST])],
  ['te: trailers', CONNECTION, get(['te', 'trailers'])],
  ['a body', LENGTH, post([], 'hello')],
  ['a body and its length', LENGTH, post([['content-length', '5']], 'hello')],
  ['an empty body and its length', LENGTH, post([['content-length', '0']], '')],
  ['a body of a GET', REQUEST, (path) => Buffer.concat([headers(1, plain(path), false), data(1, 'hello')])],
  ['a body that looks like a request', REQUEST, post([], smuggled)],
  [
    'an empty DATA frame as the end',
    TRAILERS,
    (path) =>
      Buffer.concat([headers(1, pseudo(path, { ':method': 'POST' }), false), data(1, 'hello', false), data(1, '')]),
  ],
  ['trailers', TRAILERS, trailing([['x-t', '1']])],
  ['empty value', FIELDS, get(['x-odd', ''])],
  ['space and tab in the value', FIELDS, get(['x-odd', 'a b\tc'])],
  ['bytes above 127 in the value', FIELDS, get(['x-odd', '\xc3\xa4\xff'])],
  ['cookies in several fields', 'RFC 9113 8.2.3', get(['cookie', 'a=b'], ['cookie', 'c=d'])],
  [
    'fifty fields of one name',
    'RFC 9110 5.3',
    get(...Array.from({ length: 50 }, (_, i) => ['x-many', String(i)] as const)),
  ],
  ['a field of the mesh from outside', 'spec of the proxy', get(['l5d-client-id', 'forged']), { notSeen: /forged/ }],
]);

const open = group('Messages', 'either', [
  ['neither authority nor Host', REQUEST, odd({ ':authority': undefined })],
  ['empty authority', REQUEST, odd({ ':authority': '' })],
  ['scheme in capitals', REQUEST, odd({ ':scheme': 'HTTP' })],
  ['a scheme that is not of HTTP', REQUEST, odd({ ':scheme': 'ftp' })],
  ['bell in the value', 'RFC 9110 5.5', get(['x-odd', 'a\x07b'])],
  ['delete character in the value', 'RFC 9110 5.5', get(['x-odd', 'a\x7fb'])],
  ['http2-settings', 'RFC 9113 3.1', get(['http2-settings', 'AAMAAABkAAQAAP__'])],
  ['te: trailers twice', CONNECTION, get(['te', 'trailers'], ['te', 'trailers'])],
  [
    'content-length in trailers',
    'RFC 9110 6.5.1',
    trailing([['content-length', '50']]),
    { notSeen: /^content-length: 50/im, mayBegin: true },
  ],
  [
    'Host in trailers',
    'RFC 9110 6.5.1',
    trailing([['host', 'other.test']]),
    { notSeen: /other\.test/, mayBegin: true },
  ],
  [
    'CONNECT',
    CONNECT,
    odd({ ':method': 'CONNECT', ':path': undefined, ':scheme': undefined, ':authority': `${HOST}:80` }),
    { mayBegin: true },
  ],
]);

export const messages: readonly Case[] = [
  ...pseudoHeaders,
  ...fields,
  ...lengths,
  ...trailers,
  ...downgrades,
  ...downgraded,
  ...valid,
  ...open,
];
