import { block, indexing, integer, literal } from '../../hpack.ts';
import { HOST, message } from '../../http1/case.ts';
import { type Case, data, group, headers, plain, pseudo } from '../case.ts';
import { FLAG, frame, PREFACE, SETTING, settings, TYPE, word } from '../frames.ts';

const cat = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const post = (path: string, stream = 1) => headers(stream, pseudo(path, { ':method': 'POST' }), false);
const get = (path: string, stream = 1) => headers(stream, plain(path));
const END = FLAG.endHeaders | FLAG.endStream;
/** HEADERS whose block is given as bytes. */
const raw = (payload: Buffer, flags: number = END, stream = 1) => frame(TYPE.headers, flags, stream, payload);
const preface = Buffer.from(PREFACE, 'latin1');

const frames = group('Frames', 'refuse', [
  ['HEADERS on stream 0', 'RFC 9113 6.2', (path) => get(path, 0)],
  ['HEADERS on stream 2', 'RFC 9113 5.1.1', (path) => get(path, 2)],
  ['a lower stream than before', 'RFC 9113 5.1.1', (path) => cat(get(path, 5), get(path, 3)), { before: 1 }],
  ['a stream again', 'RFC 9113 5.1.1', (path) => cat(get(path), get(path)), { before: 1 }],
  ['DATA on stream 0', 'RFC 9113 6.1', () => data(0, 'hello')],
  ['DATA on an idle stream', 'RFC 9113 5.1', () => data(1, 'hello')],
  ['DATA behind the end of the stream', 'RFC 9113 5.1', (path) => cat(get(path), data(1, 'hello')), { before: 1 }],
  [
    'DATA on a stream that was reset',
    'RFC 9113 5.1',
    (path) => cat(post(path), frame(TYPE.reset, 0, 1, word(8)), data(1, 'hello')),
    { mayBegin: true },
  ],
  [
    'DATA with more padding than bytes',
    'RFC 9113 6.1',
    (path) => cat(post(path), frame(TYPE.data, FLAG.padded | FLAG.endStream, 1, bytes(9, 1, 2, 3))),
    { mayBegin: true },
  ],
  [
    'padded DATA without bytes',
    'RFC 9113 6.1',
    (path) => cat(post(path), frame(TYPE.data, FLAG.padded | FLAG.endStream, 1)),
    { mayBegin: true },
  ],
  [
    'DATA larger than allowed',
    'RFC 9113 4.2',
    (path) => cat(post(path), data(1, 'x'.repeat(16_385))),
    { mayBegin: true },
  ],
  [
    'DATA of 2^24 - 1 bytes announced',
    'RFC 9113 4.2',
    (path) => cat(post(path), frame(TYPE.data, FLAG.endStream, 1, 'hello', 2 ** 24 - 1)),
    { mayBegin: true },
  ],
  [
    'HEADERS larger than allowed',
    'RFC 9113 4.2',
    (path) => headers(1, [...plain(path), ['x-big', 'v'.repeat(17_000)]]),
  ],
  [
    'HEADERS with more padding than bytes',
    'RFC 9113 6.2',
    (path) => raw(cat(bytes(250), block(plain(path))), END | FLAG.padded),
  ],
  ['padded HEADERS without bytes', 'RFC 9113 6.2', () => raw(Buffer.alloc(0), END | FLAG.padded)],
  ['HEADERS with half a priority', 'RFC 9113 6.2', () => raw(bytes(0, 0, 0), END | FLAG.priority)],
  [
    'HEADERS, then HEADERS that do not end',
    'RFC 9113 8.1',
    (path) => cat(post(path), headers(1, [['x-t', '1']], false)),
    { mayBegin: true },
  ],
  ['CONTINUATION first', 'RFC 9113 6.10', (path) => frame(TYPE.continuation, FLAG.endHeaders, 1, block(plain(path)))],
  [
    'CONTINUATION behind complete HEADERS',
    'RFC 9113 6.10',
    (path) => cat(get(path), frame(TYPE.continuation, FLAG.endHeaders, 1, block([['x', '1']]))),
    { before: 1 },
  ],
  [
    'CONTINUATION on another stream',
    'RFC 9113 6.10',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), frame(TYPE.continuation, FLAG.endHeaders, 3)),
  ],
  [
    'CONTINUATION on stream 0',
    'RFC 9113 6.10',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), frame(TYPE.continuation, FLAG.endHeaders, 0)),
  ],
  [
    'DATA before CONTINUATION',
    'RFC 9113 6.10',
    (path) => cat(raw(block(plain(path)), 0), data(1, 'hello'), frame(TYPE.continuation, FLAG.endHeaders, 1)),
  ],
  [
    'HEADERS of another stream before CONTINUATION',
    'RFC 9113 6.10',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), get(path, 3), frame(TYPE.continuation, FLAG.endHeaders, 1)),
  ],
  [
    'PING before CONTINUATION',
    'RFC 9113 6.10',
    (path) =>
      cat(
        raw(block(plain(path)), FLAG.endStream),
        frame(TYPE.ping, 0, 0, 'pingpong'),
        frame(TYPE.continuation, FLAG.endHeaders, 1),
      ),
  ],
  [
    'an unknown frame before CONTINUATION',
    'RFC 9113 5.5',
    (path) =>
      cat(
        raw(block(plain(path)), FLAG.endStream),
        frame(0x40, 0, 0, 'x'),
        frame(TYPE.continuation, FLAG.endHeaders, 1),
      ),
  ],
  ['a block that never ends', 'RFC 9113 6.10', (path) => raw(block(plain(path)), FLAG.endStream)],
  [
    '10,000 empty CONTINUATION frames',
    'RFC 9113 10.5',
    (path) =>
      cat(
        raw(block(plain(path)), FLAG.endStream),
        ...Array.from({ length: 10_000 }, () => frame(TYPE.continuation, 0, 1)),
      ),
  ],
  [
    'CONTINUATION of one byte, 100,000 times',
    'RFC 9113 10.5',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), literalRun(100_000)),
  ],
  ['PRIORITY on stream 0', 'RFC 9113 6.3', () => frame(TYPE.priority, 0, 0, bytes(0, 0, 0, 3, 10))],
  [
    'PRIORITY of 4 bytes',
    'RFC 9113 6.3',
    (path) => cat(post(path), frame(TYPE.priority, 0, 1, bytes(0, 0, 0, 3))),
    { mayBegin: true },
  ],
  ['RST_STREAM on stream 0', 'RFC 9113 6.4', () => frame(TYPE.reset, 0, 0, word(8))],
  ['RST_STREAM on an idle stream', 'RFC 9113 6.4', () => frame(TYPE.reset, 0, 1, word(8))],
  [
    'RST_STREAM of 3 bytes',
    'RFC 9113 6.4',
    (path) => cat(post(path), frame(TYPE.reset, 0, 1, bytes(0, 0, 8))),
    { mayBegin: true },
  ],
  ['SETTINGS on stream 1', 'RFC 9113 6.5', () => frame(TYPE.settings, 0, 1)],
  ['SETTINGS of 5 bytes', 'RFC 9113 6.5', () => frame(TYPE.settings, 0, 0, bytes(0, 3, 0, 0, 0))],
  ['an acknowledgment with settings', 'RFC 9113 6.5', () => frame(TYPE.settings, FLAG.ack, 0, bytes(0, 3, 0, 0, 0, 1))],
  ['ENABLE_PUSH of 2', 'RFC 9113 6.5.2', () => settings([[SETTING.push, 2]])],
  ['INITIAL_WINDOW_SIZE of 2^31', 'RFC 9113 6.5.2', () => settings([[SETTING.window, 2 ** 31]])],
  ['MAX_FRAME_SIZE of 16,383', 'RFC 9113 6.5.2', () => settings([[SETTING.frameSize, 16_383]])],
  ['MAX_FRAME_SIZE of 2^24', 'RFC 9113 6.5.2', () => settings([[SETTING.frameSize, 2 ** 24]])],
  ['PUSH_PROMISE', 'RFC 9113 6.6', (path) => frame(TYPE.push, FLAG.endHeaders, 1, cat(word(2), block(plain(path))))],
  ['PING on stream 1', 'RFC 9113 6.7', () => frame(TYPE.ping, 0, 1, 'pingpong')],
  ['PING of 7 bytes', 'RFC 9113 6.7', () => frame(TYPE.ping, 0, 0, 'pingpon')],
  ['GOAWAY on stream 1', 'RFC 9113 6.8', () => frame(TYPE.goaway, 0, 1, cat(word(0), word(0)))],
  ['GOAWAY of 7 bytes', 'RFC 9113 4.2', () => frame(TYPE.goaway, 0, 0, bytes(0, 0, 0, 0, 0, 0, 0))],
  ['WINDOW_UPDATE of 0 for the connection', 'RFC 9113 6.9', () => frame(TYPE.window, 0, 0, word(0))],
  [
    'WINDOW_UPDATE of 0 for a stream',
    'RFC 9113 6.9',
    (path) => cat(post(path), frame(TYPE.window, 0, 1, word(0))),
    { mayBegin: true },
  ],
  ['WINDOW_UPDATE of 3 bytes', 'RFC 9113 6.9', () => frame(TYPE.window, 0, 0, bytes(0, 0, 1))],
  ['WINDOW_UPDATE on an idle stream', 'RFC 9113 5.1', () => frame(TYPE.window, 0, 1, word(1))],
  ['window of the connection above 2^31 - 1', 'RFC 9113 6.9.1', () => frame(TYPE.window, 0, 0, word(2 ** 31 - 1))],
  [
    'window of a stream above 2^31 - 1',
    'RFC 9113 6.9.1',
    (path) => cat(post(path), frame(TYPE.window, 0, 1, word(2 ** 31 - 1))),
    { mayBegin: true },
  ],
  [
    'windows of streams above 2^31 - 1 by settings',
    'RFC 9113 6.9.2',
    (path) => cat(post(path), frame(TYPE.window, 0, 1, word(100)), settings([[SETTING.window, 2 ** 31 - 1]])),
    { mayBegin: true },
  ],
  [
    'a stream that depends on itself',
    'RFC 7540 5.3.1',
    (path) => raw(cat(bytes(0, 0, 0, 1, 10), block(plain(path))), END | FLAG.priority),
  ],
]);

/** One field over CONTINUATION frames of a byte each, without an end. */
function literalRun(count: number): Buffer {
  const field = literal('x-run', 'r'.repeat(count));
  return cat(...[...field].map((byte) => frame(TYPE.continuation, 0, 1, bytes(byte))));
}

const RFC7541 = 'RFC 7541';
/** A literal without index whose name and value are given as coded strings. */
const coded = (name: Buffer, value: Buffer): Buffer => cat(bytes(0), name, value);
const text = (value: string): Buffer => cat(Buffer.from(integer(value.length, 7)), Buffer.from(value, 'latin1'));
const huffman = (...values: number[]): Buffer => cat(Buffer.from(integer(values.length, 7, 0x80)), bytes(...values));

/** The head of a request with something behind it. */
const behind = (tail: Buffer) => (path: string) => raw(cat(block(plain(path)), tail));

const hpack = group('HPACK', 'refuse', [
  ['index 0', `${RFC7541} 6.1`, behind(bytes(0x80))],
  ['an index beyond both tables', `${RFC7541} 2.3.3`, behind(bytes(...integer(70, 7, 0x80)))],
  ['an index of 2^31', `${RFC7541} 2.3.3`, behind(bytes(...integer(2 ** 31, 7, 0x80)))],
  ['an integer without end', `${RFC7541} 5.1`, behind(bytes(0xff, ...Array(20).fill(0x80)))],
  [
    'an integer above 2^64',
    `${RFC7541} 5.1`,
    behind(bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
  ],
  ['a name by an index beyond both tables', `${RFC7541} 2.3.3`, behind(cat(bytes(...integer(99, 4)), text('1')))],
  ['a name longer than the block', `${RFC7541} 5.2`, behind(bytes(0, 0x7f, 0x80, 0x01, 0x78))],
  ['a value longer than the block', `${RFC7541} 5.2`, behind(cat(bytes(0), text('x'), bytes(0x20, 0x78)))],
  ['a name and no value', `${RFC7541} 6.2`, behind(cat(bytes(0), text('x')))],
  [
    'Huffman code with the end of string',
    `${RFC7541} 5.2`,
    behind(coded(text('x-odd'), huffman(0xff, 0xff, 0xff, 0xff))),
  ],
  ['Huffman code with eight bits of padding', `${RFC7541} 5.2`, behind(coded(text('x-odd'), huffman(0x1f, 0xff)))],
  ['Huffman code padded with zeros', `${RFC7541} 5.2`, behind(coded(text('x-odd'), huffman(0x18)))],
  [
    'Huffman code that hides CR LF',
    'RFC 9113 8.2.1',
    behind(coded(text('x-odd'), huffman(0xff, 0xff, 0xff, 0xf7, 0xff, 0xff, 0xff, 0xcf))),
  ],
  [
    'table larger than allowed',
    `${RFC7541} 4.2`,
    (path) => raw(cat(bytes(...integer(2 ** 20, 5, 0x20)), block(plain(path)))),
  ],
  ['table size behind a field', `${RFC7541} 4.2`, behind(bytes(0x20))],
  [
    'an entry that was evicted',
    `${RFC7541} 4.3`,
    (path) => cat(raw(cat(bytes(0x20), block(plain(path)), indexing('x-kept', '1'), bytes(0xbe)))),
  ],
  [
    '4,000 bytes in the table, 15,000 times',
    `${RFC7541} 7.3`,
    (path) => raw(cat(block(plain(path)), indexing('x-bomb', 'b'.repeat(4_000)), Buffer.alloc(12_000, 0xbe))),
  ],
  [
    '4,000 bytes in the table, 100,000 times',
    `${RFC7541} 7.3`,
    (path) =>
      cat(
        raw(cat(block(plain(path)), indexing('x-bomb', 'b'.repeat(4_000))), FLAG.endStream),
        ...Array.from({ length: 10 }, () => frame(TYPE.continuation, 0, 1, Buffer.alloc(10_000, 0xbe))),
        frame(TYPE.continuation, FLAG.endHeaders, 1),
      ),
  ],
  [
    '10,000 fields',
    'RFC 9113 10.5.1',
    (path) =>
      cat(
        raw(block(plain(path)), FLAG.endStream),
        ...Array.from({ length: 10 }, () =>
          frame(TYPE.continuation, 0, 1, block(Array.from({ length: 1_000 }, () => ['x-n', '1'] as const))),
        ),
        frame(TYPE.continuation, FLAG.endHeaders, 1),
      ),
  ],
  [
    '10,000 fields of nothing',
    'RFC 9113 10.5.1',
    (path) =>
      cat(
        raw(block(plain(path)), FLAG.endStream),
        ...Array.from({ length: 10 }, () =>
          frame(TYPE.continuation, 0, 1, Buffer.alloc(2_000, Buffer.from([0x0f, 0]))),
        ),
        frame(TYPE.continuation, FLAG.endHeaders, 1),
      ),
  ],
  [
    'a value of 100,000 bytes',
    'RFC 9113 10.5.1',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), ...pieces(literal('x-big', 'v'.repeat(100_000)))),
  ],
  [
    'a value of 1,000,000 bytes',
    'RFC 9113 10.5.1',
    (path) => cat(raw(block(plain(path)), FLAG.endStream), ...pieces(literal('x-big', 'v'.repeat(1_000_000)))),
  ],
  [
    'a path of 100,000 bytes',
    'RFC 9113 10.5.1',
    (path) =>
      cat(
        raw(block(plain(path).slice(0, 3)), FLAG.endStream),
        ...pieces(literal(':path', `${path}?${'q'.repeat(100_000)}`)),
      ),
  ],
]);

/** A block in CONTINUATION frames, the last of which ends it. */
function pieces(whole: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += 16_000)
    parts.push(
      frame(TYPE.continuation, at + 16_000 >= whole.length ? FLAG.endHeaders : 0, 1, whole.subarray(at, at + 16_000)),
    );
  return parts;
}

const starts = group(
  'Connection preface',
  'refuse',
  [
    ['HEADERS before SETTINGS', 'RFC 9113 3.4', (path) => cat(preface, get(path))],
    ['PING before SETTINGS', 'RFC 9113 3.4', () => cat(preface, frame(TYPE.ping, 0, 0, 'pingpong'))],
    [
      'an acknowledgment as the first SETTINGS',
      'RFC 9113 3.4',
      (path) => cat(preface, frame(TYPE.settings, FLAG.ack, 0), get(path)),
    ],
    ['wrong from the start', 'RFC 9113 3.4', () => Buffer.from('PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n'), { unread: true }],
    [
      'wrong at the end',
      'RFC 9113 3.4',
      (path) => cat(Buffer.from('PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n'), settings(), get(path)),
    ],
    ['cut short', 'RFC 9113 3.4', () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM')],
    ['twice', 'RFC 9113 3.4', (path) => cat(preface, preface, settings(), get(path))],
    [
      'a request of HTTP/1.1',
      'RFC 9113 3.4',
      (path) => Buffer.from(message(`GET ${path} HTTP/1.1`, [`Host: ${HOST}`])),
      { unread: true },
    ],
    [
      'a request of HTTP/1.1 behind it',
      'RFC 9113 3.4',
      (path) => cat(preface, Buffer.from(message(`GET ${path} HTTP/1.1`, [`Host: ${HOST}`]))),
    ],
    ['frames without it', 'RFC 9113 3.4', (path) => cat(settings(), get(path)), { unread: true }],
  ],
  { opening: false },
);

const started = group(
  'Connection preface',
  'forward',
  [
    ['one byte a write', 'RFC 9113 3.4', (path) => [...cat(preface, settings(), get(path))].map((byte) => bytes(byte))],
    [
      'settings that nobody knows',
      'RFC 9113 6.5.2',
      (path) =>
        cat(
          preface,
          settings([
            [0x99, 1],
            [SETTING.streams, 1],
          ]),
          get(path),
        ),
    ],
    ['the smallest window', 'RFC 9113 6.9.2', (path) => cat(preface, settings([[SETTING.window, 100]]), get(path))],
  ],
  { opening: false },
);

const valid = group('Frames', 'forward', [
  [
    'HEADERS and CONTINUATION',
    'RFC 9113 6.10',
    (path) => {
      const whole = block(plain(path));
      return cat(
        raw(whole.subarray(0, 20), FLAG.endStream),
        frame(TYPE.continuation, 0, 1, whole.subarray(20, 30)),
        frame(TYPE.continuation, FLAG.endHeaders, 1, whole.subarray(30)),
      );
    },
  ],
  [
    'padded HEADERS',
    'RFC 9113 6.2',
    (path) => raw(cat(bytes(5), block(plain(path)), Buffer.alloc(5)), END | FLAG.padded),
  ],
  [
    'padded DATA',
    'RFC 9113 6.1',
    (path) =>
      cat(
        post(path),
        frame(TYPE.data, FLAG.padded | FLAG.endStream, 1, cat(bytes(3), Buffer.from('hello'), Buffer.alloc(3))),
      ),
  ],
  [
    'HEADERS with priority',
    'RFC 9113 6.2',
    (path) => raw(cat(bytes(0, 0, 0, 0, 10), block(plain(path))), END | FLAG.priority),
  ],
  [
    'PRIORITY of an idle stream',
    'RFC 9113 6.3',
    (path) => cat(frame(TYPE.priority, 0, 7, bytes(0, 0, 0, 0, 10)), get(path)),
  ],
  [
    'frames that nobody knows',
    'RFC 9113 5.5',
    (path) => cat(frame(0x40, 0xff, 0, 'x'), frame(0x41, 0, 1, 'y'), get(path)),
  ],
  ['flags that nobody knows', 'RFC 9113 4.1', (path) => raw(block(plain(path)), END | 0x42)],
  ['the reserved bit of a stream', 'RFC 9113 4.1', (path) => frame(TYPE.headers, END, 0x80000001, block(plain(path)))],
  ['a high stream first', 'RFC 9113 5.1.1', (path) => get(path, 1_001)],
  ['three streams at once', 'RFC 9113 5.1.1', (path) => cat(get(path, 1), get(path, 3), get(path, 5)), { requests: 3 }],
  [
    'PING and SETTINGS between head and body',
    'RFC 9113 5.5',
    (path) => cat(post(path), frame(TYPE.ping, 0, 0, 'pingpong'), settings(), data(1, 'hello')),
  ],
  [
    'a dynamic table',
    'RFC 7541 2.3.2',
    (path) =>
      cat(raw(cat(block(plain(path)), indexing('x-kept', '1'))), raw(cat(block(plain(path)), bytes(0xbe)), END, 3)),
    { requests: 2 },
  ],
  ['a table of no size', 'RFC 7541 6.3', (path) => raw(cat(bytes(0x20), block(plain(path))))],
  ['Huffman code', 'RFC 7541 5.2', (path) => raw(cat(block(plain(path)), coded(text('x-odd'), huffman(0x1f))))],
  ['never indexed', 'RFC 7541 6.2.3', (path) => raw(cat(block(plain(path)), bytes(0x10), text('x-odd'), text('1')))],
]);

export const framing: readonly Case[] = [...frames, ...hpack, ...starts, ...started, ...valid];
