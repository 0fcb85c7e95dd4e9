import { type Case, chunked, get, group, HOST, message, PATH, post, smuggled } from '../case.ts';

const host = `Host: ${HOST}`;

const sizes = group('Sizes', 'refuse', [
  ['a target of 70,000 bytes', 'RFC 9112 3', message(`GET ${PATH}?${'q'.repeat(70_000)} HTTP/1.1`, [host])],
  ['a target of 1,000,000 bytes', 'RFC 9112 3', message(`GET ${PATH}?${'q'.repeat(1_000_000)} HTTP/1.1`, [host])],
  ['a value of 70,000 bytes', 'RFC 9110 5.4', get(`X-Big: ${'v'.repeat(70_000)}`)],
  ['a value of 1,000,000 bytes', 'RFC 9110 5.4', get(`X-Big: ${'v'.repeat(1_000_000)}`)],
  ['a name of 70,000 bytes', 'RFC 9110 5.4', get(`${'N'.repeat(70_000)}: 1`)],
  ['200 fields', 'RFC 9110 5.4', get(...Array.from({ length: 200 }, (_, i) => `X-N${i}: ${i}`))],
  ['10,000 fields', 'RFC 9110 5.4', get(...Array.from({ length: 10_000 }, (_, i) => `X-N${i}: ${i}`))],
  [
    '20 fields of 4,000 bytes',
    'RFC 9110 5.4',
    get(...Array.from({ length: 20 }, (_, i) => `X-N${i}: ${'v'.repeat(4_000)}`)),
  ],
  [
    'fields without end',
    'RFC 9110 5.4',
    message(`GET ${PATH} HTTP/1.1`, [host, ...Array.from({ length: 50_000 }, () => 'X-More: 1')]).slice(0, -2),
  ],
  ['a line without end', 'RFC 9112 3', `GET ${PATH}${'a'.repeat(200_000)}`],
  ['spaces without end', 'RFC 9112 5', `GET ${PATH} HTTP/1.1\r\n${host}\r\nX-Odd:${' '.repeat(200_000)}`],
  ['empty lines without end', 'RFC 9112 2.2', '\r\n'.repeat(20_000), { unread: true }],
  ['a hundred empty lines, then a request', 'RFC 9112 2.2', '\r\n'.repeat(100) + get(), { unread: true }],
]);

const pipelines = group('Pipelines', 'refuse', [
  [
    'a second request with two lengths',
    'RFC 9112 6.3',
    get() + post(['Content-Length: 5', 'Content-Length: 6'], 'hello!'),
    { before: 1 },
  ],
  [
    'a second request with length and chunked',
    'RFC 9112 6.1',
    get() + post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    { before: 1 },
  ],
  ['garbage behind a body', 'RFC 9112 9.3', `${post(['Content-Length: 5'], 'hello')}garbage\r\n\r\n`, { before: 1 }],
  [
    'garbage behind the last chunk',
    'RFC 9112 9.3',
    `${chunked('5\r\nhello\r\n0\r\n\r\n')}garbage\r\n\r\n`,
    { before: 1 },
  ],
  ['a body behind a GET that announced none', 'RFC 9112 6.3', `${get()}5\r\nhello\r\n0\r\n\r\n`, { before: 1 }],
  ['a body longer than its length', 'RFC 9112 6.3', `${post(['Content-Length: 5'], 'hello')}world`, { before: 1 }],
  ['HTTP/2 preface behind a request', 'RFC 9113 3.4', `${get()}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, { before: 1 }],
  ['a folded line behind a request', 'RFC 9112 2.2', `${get()} X-Odd: 1\r\n\r\n`, { before: 1 }],
  ['a request behind one that closes', 'RFC 9112 9.6', get('Connection: close') + get(), { before: 1 }],
  ['a request behind HTTP/1.0', 'RFC 9112 9.3', message(`GET ${PATH} HTTP/1.0`, [host]) + get(), { before: 1 }],
  [
    'the second later, with LF alone',
    'RFC 9112 2.2',
    [get(), `GET ${PATH} HTTP/1.1\nHost: ${HOST}\n\n`],
    { before: 1 },
  ],
  ['a NUL behind a request', 'RFC 9112 2.2', `${get()}\x00`, { before: 1 }],
  [
    'upgrade to h2c, its preface at once',
    'RFC 9113 3.1',
    `${get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__')}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    { before: 1, notSeen: /^Upgrade: h2c|HTTP2-Settings|PRI \*/im },
  ],
]);

const served = group('Pipelines', 'forward', [
  ['two requests in one write', 'RFC 9112 9.3.2', get() + get(), { requests: 2 }],
  ['ten requests in one write', 'RFC 9112 9.3.2', get().repeat(10), { requests: 10 }],
  ['a body, then a request', 'RFC 9112 9.3.2', post(['Content-Length: 5'], 'hello') + get(), { requests: 2 }],
  ['chunks, then a request', 'RFC 9112 9.3.2', chunked('5\r\nhello\r\n0\r\n\r\n') + get(), { requests: 2 }],
  ['a CRLF between', 'RFC 9112 2.2', `${post(['Content-Length: 5'], 'hello')}\r\n${get()}`, { requests: 2 }],
  ['the second split anywhere', 'RFC 9112 9.3.2', [`${get()}GE`, get().slice(2)], { requests: 2 }],
  ['head and body in two writes', 'RFC 9112 6', [post(['Content-Length: 5']), 'hello']],
  ['a body that looks like a request', 'RFC 9112 6', post([`Content-Length: ${smuggled.length}`], smuggled)],
  [
    'chunks that look like a request',
    'RFC 9112 7.1',
    chunked(`${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`),
  ],
  ['a body of 200,000 bytes', 'RFC 9112 6', post(['Content-Length: 200000'], 'b'.repeat(200_000))],
  ['100-continue, body at once', 'RFC 9110 10.1.1', post(['Expect: 100-continue', 'Content-Length: 5'], 'hello')],
]);

const connection = group('Connection fields', 'forward', [
  [
    'a field listed in Connection goes no further',
    'RFC 9110 7.6.1',
    get('Connection: X-Hop', 'X-Hop: secret'),
    { notSeen: /secret/ },
  ],
  [
    'in a list with keep-alive',
    'RFC 9110 7.6.1',
    get('Connection: keep-alive, x-hop', 'X-Hop: secret'),
    { notSeen: /secret/ },
  ],
  [
    'in a second Connection field',
    'RFC 9110 7.6.1',
    get('Connection: keep-alive', 'Connection: x-hop', 'X-Hop: secret'),
    { notSeen: /secret/ },
  ],
  ['Keep-Alive', 'RFC 9110 7.6.1', get('Connection: keep-alive', 'Keep-Alive: timeout=5'), { notSeen: /timeout=5/ }],
  ['Proxy-Connection', 'RFC 9112 C.2.2', get('Proxy-Connection: keep-alive'), { notSeen: /^Proxy-Connection/im }],
  ['TE with trailers', 'RFC 9110 10.1.4', get('TE: trailers', 'Connection: TE')],
  ['upgrade without Connection', 'RFC 9110 7.8', get('Upgrade: websocket')],
  [
    'upgrade to h2c',
    'RFC 9113 3.1',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    { notSeen: /^Upgrade: h2c|HTTP2-Settings/im },
  ],
  [
    'identity of the mesh from outside',
    'spec of the proxy',
    get('l5d-client-id: forged.serviceaccount.identity.linkerd.cluster.local'),
    { notSeen: /forged/ },
  ],
  [
    'identity of the mesh from outside, twice and in capitals',
    'spec of the proxy',
    get('L5D-CLIENT-ID: forged', 'l5d-client-id:forged'),
    { notSeen: /forged/ },
  ],
]);

const stripping = group('Connection fields', 'either', [
  ['Connection lists Host', 'RFC 9110 7.6.1', get('Connection: Host'), { seen: /^(Host|:authority): web\.test/im }],
  [
    'Connection lists Content-Length',
    'RFC 9110 7.6.1',
    post(['Connection: Content-Length', `Content-Length: ${smuggled.length}`], smuggled),
  ],
  [
    'Connection lists Transfer-Encoding',
    'RFC 9110 7.6.1',
    post(
      ['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'],
      `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    ),
  ],
  [
    'Connection lists the identity of the mesh',
    'RFC 9110 7.6.1',
    get('Connection: l5d-client-id', 'l5d-client-id: forged'),
    { notSeen: /forged/ },
  ],
  ['Connection lists Authorization', 'RFC 9110 7.6.1', get('Connection: authorization', 'Authorization: Basic x')],
  ['Connection that is no list of tokens', 'RFC 9110 7.6.1', get('Connection: a b; c')],
  ['Connection both ways', 'RFC 9112 9.6', get('Connection: keep-alive, close')],
  ['an expectation that nobody knows', 'RFC 9110 10.1.1', get('Expect: the-unexpected')],
  ['100-continue of a request without a body', 'RFC 9110 10.1.1', get('Expect: 100-continue')],
  [
    '100-continue, the body never comes',
    'RFC 9110 10.1.1',
    post(['Expect: 100-continue', 'Content-Length: 5']),
    { mayBegin: true },
  ],
  ['TE with codings', 'RFC 9110 10.1.4', get('TE: gzip;q=1', 'Connection: TE'), { notSeen: /^TE: gzip/im }],
  [
    'upgrade to two protocols, h2c among them',
    'RFC 9113 3.1',
    get('Connection: Upgrade', 'Upgrade: websocket, h2c'),
    { notSeen: /^Upgrade:.*h2c/im },
  ],
  [
    'upgrade with a body',
    'RFC 9110 7.8',
    post(['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'], 'hello'),
  ],
]);

export const connections: readonly Case[] = [...sizes, ...pipelines, ...served, ...connection, ...stripping];
