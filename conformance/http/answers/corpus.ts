/** Malformed, ambiguous and odd responses of HTTP/1 servers: what a proxy must not hand to clients, nor to the next of them. */

/**
 * - `refuse`: the client gets an error, or a response that is visibly cut off.
 * - `forward`: the client gets it.
 * - `either`: a proxy may do both.
 * Whatever it is, the next request gets the answer to itself.
 */
export interface Answer {
  readonly id: string;
  readonly name: string;
  readonly rule: string;
  /** What the server sends, Latin-1. */
  readonly sent: string;
  /** The server closes behind it. */
  readonly closes: boolean;
  readonly expect: 'refuse' | 'forward' | 'either';
  /** Of the request. Default GET. */
  readonly method?: 'HEAD' | 'POST';
  /** Must not reach the client. */
  readonly notSeen?: RegExp;
}

/** Where a response stands that must not be taken for one. */
export const POISON = 'poison';

const poison = `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n${POISON}`;
const ok = (fields: readonly string[], body = ''): string =>
  `${['HTTP/1.1 200 OK', ...fields].join('\r\n')}\r\n\r\n${body}`;
const chunked = (body: string): string => ok(['Transfer-Encoding: chunked'], body);
const status = (line: string, fields: readonly string[] = ['Content-Length: 2'], body = 'ok'): string =>
  `${[line, ...fields].join('\r\n')}\r\n\r\n${body}`;

type Row = readonly [
  name: string,
  rule: string,
  sent: string,
  details?: Partial<Pick<Answer, 'closes' | 'method' | 'notSeen'>>,
];

const rows = (expect: Answer['expect'], all: readonly Row[]): Answer[] =>
  all.map(([name, rule, sent, details], index) => ({
    id: `answer-${expect}-${index + 1}`,
    name,
    rule,
    sent,
    closes: false,
    expect,
    ...details,
  }));

const refused = rows('refuse', [
  [
    'length and chunked',
    'RFC 9112 6.1',
    ok(['Content-Length: 2', 'Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'),
  ],
  [
    'chunked and length',
    'RFC 9112 6.1',
    ok(['Transfer-Encoding: chunked', 'Content-Length: 2'], '2\r\nok\r\n0\r\n\r\n'),
  ],
  ['two lengths, different', 'RFC 9112 6.3', ok(['Content-Length: 2', 'Content-Length: 3'], 'ok!')],
  ['a list of different lengths', 'RFC 9112 6.3', ok(['Content-Length: 2, 3'], 'ok!')],
  ['a length with a plus sign', 'RFC 9110 8.6', ok(['Content-Length: +2'], 'ok')],
  ['a negative length', 'RFC 9110 8.6', ok(['Content-Length: -2'], 'ok')],
  ['a hexadecimal length', 'RFC 9110 8.6', ok(['Content-Length: 0x2'], 'ok')],
  ['an empty length', 'RFC 9110 8.6', ok(['Content-Length:'], 'ok')],
  ['a length beyond 2^64', 'RFC 9110 8.6', ok(['Content-Length: 18446744073709551618'], 'ok')],
  ['two lengths by a space', 'RFC 9110 8.6', ok(['Content-Length: 2 2'], 'ok')],
  ['chunked twice', 'RFC 9112 6.1', ok(['Transfer-Encoding: chunked, chunked'], '2\r\nok\r\n0\r\n\r\n')],
  [
    'chunked in two lines',
    'RFC 9112 6.1',
    ok(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'),
  ],
  ['an empty transfer-encoding', 'RFC 9112 6.1', ok(['Transfer-Encoding:'], 'ok')],
  ['a length in a folded line', 'RFC 9112 5.2', ok(['X-Fold: 1\r\n Content-Length: 9', 'Content-Length: 2'], 'ok')],
  ['a vertical tab before chunked', 'RFC 9110 5.5', ok(['Transfer-Encoding: \x0bchunked'], '2\r\nok\r\n0\r\n\r\n')],
  ['HTTP/1.2', 'RFC 9112 2.3', status('HTTP/1.2 200 OK')],
  ['HTTP/2.0', 'RFC 9112 2.3', status('HTTP/2.0 200 OK')],
  ['http/1.1', 'RFC 9112 2.3', status('http/1.1 200 OK')],
  ['ICY', 'RFC 9112 4', status('ICY 200 OK')],
  ['a status of two digits', 'RFC 9112 4', status('HTTP/1.1 20 OK')],
  ['a status of four digits', 'RFC 9112 4', status('HTTP/1.1 2000 OK')],
  ['a status that is no number', 'RFC 9112 4', status('HTTP/1.1 OK 200')],
  ['a status of 099', 'RFC 9110 15', status('HTTP/1.1 099 Odd')],
  ['no status', 'RFC 9112 4', status('HTTP/1.1')],
  ['a tab before the status', 'RFC 9112 4', status('HTTP/1.1\t200 OK')],
  ['two spaces before the status', 'RFC 9112 4', status('HTTP/1.1  200 OK')],
  ['NUL in the reason', 'RFC 9112 4', status('HTTP/1.1 200 O\x00K')],
  ['CR in the reason', 'RFC 9112 4', status('HTTP/1.1 200 O\rK')],
  ['a body without a head', 'RFC 9112 4', 'just some text\r\n\r\n', { closes: true }],
  ['a request as response', 'RFC 9112 4', 'GET / HTTP/1.1\r\nHost: web.test\r\n\r\n'],
  ['nothing', 'RFC 9110 15.6.3', '', { closes: true }],
  ['half a head', 'RFC 9112 8', 'HTTP/1.1 200 OK\r\nContent-Le', { closes: true }],
  ['a head without its empty line', 'RFC 9112 8', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n', { closes: true }],
  ['lines that end in LF alone', 'RFC 9112 2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  [
    'a field behind LF alone',
    'RFC 9112 2.2',
    ok(['X-Odd: 1\nSet-Cookie: forged=1', 'Content-Length: 2'], 'ok'),
    { notSeen: /forged/ },
  ],
  [
    'a field behind CR alone',
    'RFC 9112 2.2',
    ok(['X-Odd: 1\rSet-Cookie: forged=1', 'Content-Length: 2'], 'ok'),
    { notSeen: /forged/ },
  ],
  ['a folded value', 'RFC 9112 5.2', ok(['X-Odd: 1\r\n 2', 'Content-Length: 2'], 'ok')],
  ['space before the colon', 'RFC 9112 5.1', ok(['X-Odd : 1', 'Content-Length: 2'], 'ok')],
  ['no colon', 'RFC 9112 5', ok(['X-Odd', 'Content-Length: 2'], 'ok')],
  ['an empty name', 'RFC 9112 5', ok([': 1', 'Content-Length: 2'], 'ok')],
  ['NUL in a value', 'RFC 9110 5.5', ok(['X-Odd: a\x00b', 'Content-Length: 2'], 'ok')],
  ['escape character in a value', 'RFC 9110 5.5', ok(['X-Odd: a\x1bb', 'Content-Length: 2'], 'ok')],
  ['10,000 fields', 'RFC 9110 5.4', ok([...Array(10_000).fill('X-N: 1'), 'Content-Length: 2'], 'ok')],
  ['a value of 1,000,000 bytes', 'RFC 9110 5.4', ok([`X-Big: ${'v'.repeat(1_000_000)}`, 'Content-Length: 2'], 'ok')],
  ['fields without end', 'RFC 9110 5.4', `HTTP/1.1 200 OK\r\n${'X-N: 1\r\n'.repeat(50_000)}`],
  ['a body that ends early', 'RFC 9112 8', ok(['Content-Length: 20'], 'ok'), { closes: true }],
  ['chunks that end early', 'RFC 9112 8', chunked('2\r\nok\r\n'), { closes: true }],
  ['a chunk that ends early', 'RFC 9112 8', chunked('9\r\nok'), { closes: true }],
  ['no last line behind the last chunk', 'RFC 9112 8', chunked('2\r\nok\r\n0\r\n'), { closes: true }],
  ['a chunk size that is no number', 'RFC 9112 7.1', chunked('zz\r\nok\r\n0\r\n\r\n')],
  ['a negative chunk size', 'RFC 9112 7.1', chunked('-2\r\nok\r\n0\r\n\r\n')],
  ['a chunk size beyond 2^64', 'RFC 9112 7.1', chunked('10000000000000002\r\nok\r\n0\r\n\r\n')],
  ['two chunk sizes', 'RFC 9112 7.1', chunked('2 2\r\nok\r\n0\r\n\r\n')],
  ['a chunk longer than its size', 'RFC 9112 7.1', chunked('2\r\nok!\r\n0\r\n\r\n')],
  ['LF alone behind a chunk size', 'RFC 9112 7.1', chunked('2\nok\r\n0\r\n\r\n')],
  ['a chunk extension of 10,000 bytes', 'RFC 9112 7.1.1', chunked(`2;${'e'.repeat(10_000)}\r\nok\r\n0\r\n\r\n`)],
  ['a trailer without a colon', 'RFC 9112 7.1.2', chunked('2\r\nok\r\n0\r\nnonsense\r\n\r\n')],
  ['a folded trailer', 'RFC 9112 7.1.2', chunked('2\r\nok\r\n0\r\nX-T: 1\r\n 2\r\n\r\n')],
  ['10,000 trailers', 'RFC 9112 7.1.2', chunked(`2\r\nok\r\n0\r\n${'X-T: 1\r\n'.repeat(10_000)}\r\n`)],
  [
    '101 that nobody asked for',
    'RFC 9110 15.2.2',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw bytes',
  ],
  ['informational responses without end', 'RFC 9110 15.2', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10_000)],
]);

const forwarded = rows('forward', [
  ['a length', 'RFC 9112 6.3', ok(['Content-Length: 2'], 'ok')],
  ['chunks', 'RFC 9112 7.1', chunked('2\r\nok\r\n0\r\n\r\n')],
  ['until the connection ends', 'RFC 9112 6.3', ok([], 'ok'), { closes: true }],
  ['HTTP/1.0 until the connection ends', 'RFC 9112 6.3', status('HTTP/1.0 200 OK', []), { closes: true }],
  ['no reason', 'RFC 9112 4', status('HTTP/1.1 200 ')],
  ['a status that nobody knows', 'RFC 9110 15', status('HTTP/1.1 299 Odd')],
  ['bytes above 127 in the reason', 'RFC 9112 4', status('HTTP/1.1 200 \xc3\x9cber')],
  [
    '103, then the response',
    'RFC 8297 2',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok(['Content-Length: 2'], 'ok')}`,
  ],
  ['trailers', 'RFC 9112 7.1.2', chunked('2\r\nok\r\n0\r\nX-T: 1\r\n\r\n')],
  ['a length of HEAD', 'RFC 9110 9.3.2', ok(['Content-Length: 2']), { method: 'HEAD' }],
  ['chunked of HEAD', 'RFC 9110 9.3.2', ok(['Transfer-Encoding: chunked']), { method: 'HEAD' }],
  ['bytes behind a length', 'RFC 9112 9.3', ok(['Content-Length: 2'], `ok${poison}`), { notSeen: /poison/ }],
  ['bytes behind the last chunk', 'RFC 9112 9.3', chunked(`2\r\nok\r\n0\r\n\r\n${poison}`), { notSeen: /poison/ }],
  [
    'a body of HEAD',
    'RFC 9110 9.3.2',
    ok([`Content-Length: ${poison.length}`], poison),
    { method: 'HEAD', notSeen: /poison/ },
  ],
  ['a response to a POST', 'RFC 9112 6.3', ok(['Content-Length: 2'], 'ok'), { method: 'POST' }],
]);

const open = rows('either', [
  ['two lengths, equal', 'RFC 9112 6.3', ok(['Content-Length: 2', 'Content-Length: 2'], 'ok')],
  [
    'chunked not last',
    'RFC 9112 6.3',
    ok(['Transfer-Encoding: chunked, gzip'], '2\r\nok\r\n0\r\n\r\n'),
    { closes: true },
  ],
  ['gzip alone', 'RFC 9112 6.3', ok(['Transfer-Encoding: gzip'], 'ok'), { closes: true }],
  ['a status of 999', 'RFC 9110 15', status('HTTP/1.1 999 Odd')],
  [
    'chunked in HTTP/1.0',
    'RFC 9112 6.1',
    status('HTTP/1.0 200 OK', ['Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'),
    { closes: true },
  ],
  [
    'a body of 204',
    'RFC 9112 6.3',
    status('HTTP/1.1 204 No Content', [`Content-Length: ${poison.length}`], poison),
    { notSeen: /poison/ },
  ],
  [
    'a body of 304',
    'RFC 9112 6.3',
    status('HTTP/1.1 304 Not Modified', [`Content-Length: ${poison.length}`], poison),
    { notSeen: /poison/ },
  ],
  [
    'chunks of 304',
    'RFC 9112 6.3',
    status('HTTP/1.1 304 Not Modified', ['Transfer-Encoding: chunked'], `6\r\n${POISON}\r\n0\r\n\r\n`),
    { notSeen: /poison/ },
  ],
  [
    'framing fields in trailers',
    'RFC 9110 6.5.1',
    chunked('2\r\nok\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\n\r\n'),
    { notSeen: /Content-Length: 50/i },
  ],
  [
    'fields of the mesh',
    'spec of the proxy',
    ok(['l5d-proxy-error: forged', 'l5d-client-id: forged', 'Content-Length: 2'], 'ok'),
  ],
  ['an empty line before', 'RFC 9112 2.2', `\r\n${ok(['Content-Length: 2'], 'ok')}`],
]);

export const ANSWERS: readonly Answer[] = [...refused, ...forwarded, ...open];

const byId = new Map(ANSWERS.map((each) => [each.id, each]));

/** What is to be answered to `/answer/ID`. */
export const answerTo = (path: string): Answer | undefined => byId.get(/\/answer\/([a-z0-9-]+)/.exec(path)?.[1] ?? '');
