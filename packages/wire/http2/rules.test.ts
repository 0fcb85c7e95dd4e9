import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHead } from '../fields/index.ts';
import { FLAG, FRAME, HTTP2_ERROR, PREFACE, SETTING } from './codes.ts';
import {
  block,
  data,
  frame,
  goaway,
  headers,
  hello,
  ping,
  REQUEST,
  rst,
  settings,
  settingsAck,
  showFrames,
  uint32,
  windowUpdate,
} from './frames.fake.ts';
import { createEnd, type End } from './pair.fake.ts';

/** A server that has said and heard hello. */
function server(options = {}): End {
  const end = createEnd('server', options);
  end.connection.receive(hello(), 0);
  end.connection.takeOutput(1e9);
  return end;
}

function output(end: End): string[] {
  const bytes = end.connection.takeOutput(1e9);
  return bytes === undefined ? [] : showFrames(bytes);
}

const OPEN = FLAG.endHeaders;
const extra = (...fields: [string, string][]) => [...REQUEST, ...fields];
const without = (name: string) => REQUEST.filter(([each]) => each !== name);
const changed = (name: string, value: string) =>
  REQUEST.map(([each, old]) => [each, each === name ? value : old] as const);

/** What a server does with frames: the code of its fault, by what a client sent. */
const FAULTS: Record<string, [keyof typeof HTTP2_ERROR, Buffer]> = {
  'DATA on stream 0': ['PROTOCOL_ERROR', data(0, 'a')],
  'DATA on an idle stream': ['PROTOCOL_ERROR', data(1, 'a')],
  'RST_STREAM on an idle stream': ['PROTOCOL_ERROR', rst(1)],
  'RST_STREAM on stream 0': ['PROTOCOL_ERROR', rst(0)],
  'RST_STREAM of five octets': [
    'FRAME_SIZE_ERROR',
    Buffer.concat([headers(1, REQUEST), frame(3, 0, 1, [0, 0, 0, 0, 0])]),
  ],
  'WINDOW_UPDATE on an idle stream': ['PROTOCOL_ERROR', windowUpdate(1, 1)],
  'WINDOW_UPDATE of nothing on the connection': ['PROTOCOL_ERROR', windowUpdate(0, 0)],
  'WINDOW_UPDATE beyond all windows': ['FLOW_CONTROL_ERROR', windowUpdate(0, 2 ** 31 - 1)],
  'WINDOW_UPDATE of three octets': ['FRAME_SIZE_ERROR', frame(FRAME.windowUpdate, 0, 0, [0, 0, 1])],
  'SETTINGS on a stream': ['PROTOCOL_ERROR', frame(FRAME.settings, 0, 1)],
  'SETTINGS of five octets': ['FRAME_SIZE_ERROR', frame(FRAME.settings, 0, 0, [0, 1, 0, 0, 0])],
  'an answer to SETTINGS with settings': ['FRAME_SIZE_ERROR', frame(FRAME.settings, FLAG.ack, 0, [0, 1, 0, 0, 0, 1])],
  'ENABLE_PUSH of 2': ['PROTOCOL_ERROR', settings([SETTING.enablePush, 2])],
  'INITIAL_WINDOW_SIZE of 2^31': ['FLOW_CONTROL_ERROR', settings([SETTING.initialWindowSize, 2 ** 31])],
  'MAX_FRAME_SIZE of 16383': ['PROTOCOL_ERROR', settings([SETTING.maxFrameSize, 16_383])],
  'MAX_FRAME_SIZE of 2^24': ['PROTOCOL_ERROR', settings([SETTING.maxFrameSize, 2 ** 24])],
  'PING on a stream': ['PROTOCOL_ERROR', frame(FRAME.ping, 0, 1, Buffer.alloc(8))],
  'PING of seven octets': ['FRAME_SIZE_ERROR', frame(FRAME.ping, 0, 0, Buffer.alloc(7))],
  'GOAWAY on a stream': ['PROTOCOL_ERROR', frame(FRAME.goaway, 0, 1, Buffer.alloc(8))],
  'GOAWAY of seven octets': ['FRAME_SIZE_ERROR', frame(FRAME.goaway, 0, 0, Buffer.alloc(7))],
  'a push': ['PROTOCOL_ERROR', frame(FRAME.pushPromise, OPEN, 1, [0, 0, 0, 2])],
  'CONTINUATION alone': ['PROTOCOL_ERROR', frame(FRAME.continuation, OPEN, 1)],
  'HEADERS on stream 0': ['PROTOCOL_ERROR', headers(0, REQUEST)],
  'HEADERS on an even stream': ['PROTOCOL_ERROR', headers(2, REQUEST)],
  'PING within a header block': ['PROTOCOL_ERROR', Buffer.concat([headers(1, REQUEST, 0), ping()])],
  'DATA within a header block': ['PROTOCOL_ERROR', Buffer.concat([headers(1, REQUEST, 0), data(1, 'a')])],
  'CONTINUATION of another stream': [
    'PROTOCOL_ERROR',
    Buffer.concat([headers(1, REQUEST, 0), frame(FRAME.continuation, OPEN, 3)]),
  ],
  'a stream below an earlier one': ['PROTOCOL_ERROR', Buffer.concat([headers(5, REQUEST), headers(3, REQUEST)])],
  'HEADERS on a stream that the peer reset': [
    'STREAM_CLOSED',
    Buffer.concat([headers(1, REQUEST), rst(1), headers(1, REQUEST)]),
  ],
  'padding as long as DATA': ['PROTOCOL_ERROR', Buffer.concat([headers(1, REQUEST, OPEN), frame(0, 8, 1, [2, 0])])],
  'padded DATA of no octets': ['FRAME_SIZE_ERROR', Buffer.concat([headers(1, REQUEST, OPEN), frame(0, 8, 1)])],
  'padding longer than HEADERS': ['PROTOCOL_ERROR', frame(FRAME.headers, OPEN | FLAG.padded, 1, [9, 0x82])],
  'a stream that depends on itself': [
    'PROTOCOL_ERROR',
    frame(FRAME.headers, OPEN | FLAG.priority, 1, [0, 0, 0, 1, 0, 0x82]),
  ],
  'a header block that cannot be decoded': ['COMPRESSION_ERROR', frame(FRAME.headers, OPEN, 1, [0x80])],
  'a frame beyond the size that we take': ['FRAME_SIZE_ERROR', frame(FRAME.ping, 0, 0, Buffer.alloc(16_385))],
  'a window beyond 2^31-1 by SETTINGS': [
    'FLOW_CONTROL_ERROR',
    Buffer.concat([headers(1, REQUEST, OPEN), windowUpdate(1, 2 ** 31 - 1 - 65_535), settings([4, 65_536])]),
  ],
};
for (const [name, [code, bytes]] of Object.entries(FAULTS))
  test(`ends the connection for ${name}`, () => {
    const end = server();
    end.connection.receive(bytes, 0);
    assert.equal(end.sink.events.at(-1), `fault ${HTTP2_ERROR[code]}`);
    assert.match(output(end).at(-1) ?? '', new RegExp(`goaway \\d+ ${code}`));
    const { length } = end.sink.events;
    end.connection.receive(headers(101, REQUEST), 0);
    assert.equal(end.sink.events.length, length, 'nothing is reported after a fault');
  });

test('ends the connection for another beginning than the preface and SETTINGS', () => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n'),
    Buffer.concat([PREFACE, ping()]),
    Buffer.concat([PREFACE, settingsAck()]),
  ]) {
    const end = createEnd('server');
    end.connection.receive(bytes, 0);
    assert.deepEqual(end.sink.events, ['fault 1']);
  }
});

/** Requests that are refused by resetting their stream, and never reported. */
const MALFORMED: Record<string, readonly (readonly [string, string])[]> = {
  'no :method': without(':method'),
  'no :scheme': without(':scheme'),
  'no :path': without(':path'),
  'an empty :path': changed(':path', ''),
  'a :path without slash': changed(':path', 'a'),
  'a :path with a fragment': changed(':path', '/#a'),
  'a :path * of GET': changed(':path', '*'),
  'two :path': [...REQUEST.slice(0, 3), [':path', '/'], [':authority', 'a']],
  'a response pseudo-header': [...REQUEST, [':status', '200']],
  'an unknown pseudo-header': [...REQUEST, [':a', 'b']],
  'a pseudo-header behind a field': [...REQUEST.slice(1), ['x-a', 'b'], [':method', 'GET']],
  'an upper-case name': extra(['X-A', 'b']),
  'a connection field': extra(['connection', 'close']),
  'a keep-alive field': extra(['keep-alive', '1']),
  'a transfer-encoding': extra(['transfer-encoding', 'chunked']),
  'an upgrade': extra(['upgrade', 'websocket']),
  'a te with codings': extra(['te', 'trailers, gzip']),
  'a host that differs': extra(['host', 'b']),
  'a host with a port of another scheme': extra(['host', 'a:443']),
  'two hosts': extra(['host', 'a'], ['host', 'a']),
  'two content-lengths': extra(['content-length', '0'], ['content-length', '0']),
  'a content-length without body': extra(['content-length', '1']),
  'an :authority with a user': changed(':authority', 'u@a'),
  'a value with a line feed': extra(['x-a', 'a\nb']),
  'CONNECT with :path': changed(':method', 'CONNECT'),
  'CONNECT without port': [
    [':method', 'CONNECT'],
    [':authority', 'a'],
  ],
};
for (const [name, fields] of Object.entries(MALFORMED))
  test(`resets the stream of a request with ${name}`, () => {
    const end = server();
    end.connection.receive(headers(1, fields), 0);
    end.connection.receive(headers(3, REQUEST), 0);
    assert.deepEqual(end.sink.events, ['3 GET http://a/ [] end']);
    assert.deepEqual(output(end), ['rstStream 1 PROTOCOL_ERROR']);
  });

test('resets the stream of a CONNECT that says how long its body is', () => {
  const end = server();
  end.connection.receive(
    headers(
      1,
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
        ['content-length', '5'],
      ],
      OPEN,
    ),
    0,
  );
  assert.deepEqual(end.sink.events, []);
  assert.deepEqual(output(end), ['rstStream 1 PROTOCOL_ERROR']);
});

test('the port of the scheme makes no other host', () => {
  const end = server();
  const request = (stream: number, scheme: string, authority: string, host: string) =>
    end.connection.receive(
      headers(stream, [
        [':method', 'GET'],
        [':scheme', scheme],
        [':path', '/'],
        [':authority', authority],
        ['host', host],
      ]),
      0,
    );
  request(1, 'http', 'a:80', 'a');
  request(3, 'http', 'A', 'a:80');
  request(5, 'https', 'a:443', 'a');
  assert.deepEqual(output(end), []);
  request(7, 'https', 'a:80', 'a');
  assert.deepEqual(output(end), ['rstStream 7 PROTOCOL_ERROR']);
});

test('takes requests with host instead of :authority, both in different case, CONNECT and OPTIONS *', () => {
  const end = server();
  end.connection.receive(headers(1, [...without(':authority'), ['host', 'b']]), 0);
  end.connection.receive(headers(3, extra(['host', 'A'])), 0);
  end.connection.receive(
    headers(
      5,
      [
        [':method', 'CONNECT'],
        [':authority', 'a:1'],
      ],
      OPEN,
    ),
    0,
  );
  end.connection.receive(
    headers(7, [
      [':method', 'OPTIONS'],
      [':scheme', 'https'],
      [':path', '*'],
      [':authority', 'a'],
    ]),
    0,
  );
  assert.deepEqual(end.sink.events, [
    '1 GET http://b/ [] end',
    '3 GET http://a/ [] end',
    '5 CONNECT ://a:1 []',
    '7 OPTIONS https://a* [] end',
  ]);
});

test('refuses bodies that are not as long as content-length says', () => {
  const cases: [Buffer[], string[]][] = [
    [[data(1, 'abc')], ['1 reset 1']],
    [[data(1, 'a', true)], ['1 reset 1']],
    [[data(1, 'a'), headers(1, [['x-a', 'b']])], ['1 reset 1']],
    [[data(1, 'a'), data(1, 'b', true)], ['1 end']],
    [[data(1, 'ab'), headers(1, [['x-a', 'b']])], ['1 trailers [x-a=b]']],
  ];
  for (const [frames, events] of cases) {
    const end = server();
    end.connection.receive(headers(1, extra(['content-length', '2']), OPEN), 0);
    end.connection.receive(Buffer.concat(frames), 0);
    assert.deepEqual(end.sink.events.slice(1), events);
  }
});

test('trailers end a stream, and hold neither pseudo-headers nor fields that frame a message', () => {
  const open = () => {
    const end = server();
    end.connection.receive(headers(1, REQUEST, OPEN), 0);
    end.sink.events.length = 0;
    return end;
  };
  const good = open();
  good.connection.receive(
    headers(1, [
      ['x-a', 'b'],
      ['content-length', '7'],
      ['host', 'h'],
    ]),
    0,
  );
  assert.deepEqual(good.sink.events, ['1 trailers [x-a=b]']);
  for (const bad of [headers(1, [['x-a', 'b']], OPEN), headers(1, [[':path', '/']])]) {
    const end = open();
    end.connection.receive(bad, 0);
    assert.deepEqual(end.sink.events, ['1 reset 1']);
  }
});

test('frames on streams that ended', () => {
  const end = server();
  // We reset it: what was on its way is ignored, but its header blocks are decoded.
  end.connection.receive(headers(1, REQUEST, OPEN), 0);
  end.sink.streams.get(1)?.reset(HTTP2_ERROR.CANCEL);
  end.connection.receive(Buffer.concat([data(1, 'a'), windowUpdate(1, 1), headers(1, [['x', 'y']]), rst(1)]), 0);
  assert.deepEqual(output(end), ['rstStream 1 CANCEL']);
  // The peer ended its side.
  for (const bytes of [headers(3, REQUEST), data(3, 'a')]) end.connection.receive(bytes, 0);
  assert.deepEqual(output(end), ['rstStream 3 STREAM_CLOSED']);
  // The peer reset it.
  for (const bytes of [headers(5, REQUEST, OPEN), rst(5), data(5, 'a')]) end.connection.receive(bytes, 0);
  assert.deepEqual(output(end), ['rstStream 5 STREAM_CLOSED']);
  assert.deepEqual(end.sink.events.slice(1), [
    '3 GET http://a/ [] end',
    '3 reset 5',
    '5 GET http://a/ []',
    '5 reset 8 remote',
  ]);
});

test('more DATA than a window allows', () => {
  const end = server({ streamWindow: 65_535, connectionWindow: 100_000 });
  end.sink.consumes = false;
  end.connection.receive(headers(1, REQUEST, OPEN), 0);
  for (let i = 0; i < 4; i++) end.connection.receive(data(1, 'x'.repeat(16_384)), 0);
  assert.deepEqual(end.sink.events.slice(1), ['1 reset 3']);
  end.connection.receive(headers(3, REQUEST, OPEN), 0);
  // The connection's window is given back at receipt, whatever becomes of the stream; the frame that was too much counts too.
  assert.deepEqual(output(end), ['windowUpdate 0 65536', 'rstStream 1 FLOW_CONTROL_ERROR']);
});

test('octets that nobody consumes any more are given back to the connection', () => {
  const end = server({ connectionWindow: 1 << 20, streamWindow: 1 << 22 });
  end.sink.consumes = false;
  for (const id of [1, 3]) end.connection.receive(headers(id, REQUEST, OPEN), 0);
  const fill = (id: number, mebibytes: number) => {
    for (let i = 0; i < mebibytes * 64; i++) end.connection.receive(data(id, 'x'.repeat(16_384)), 0);
  };
  fill(1, 4);
  assert.equal(output(end).length, 8);
  // What waits now is as much as may: the connection's window stays shut, and further bodies are refused.
  fill(3, 1);
  assert.deepEqual(output(end), []);
  for (const [id, flags] of [
    [5, OPEN],
    [7, OPEN | FLAG.endStream],
  ] as const)
    end.connection.receive(headers(id, REQUEST, flags), 0);
  assert.deepEqual(output(end), ['rstStream 5 REFUSED_STREAM']);
  end.sink.streams.get(1)?.reset(HTTP2_ERROR.CANCEL);
  assert.deepEqual(output(end), ['rstStream 1 CANCEL', `windowUpdate 0 ${1 << 20}`]);
  end.sink.streams.get(1)?.consume(48_000);
  assert.deepEqual(output(end), []);
});

test('a request that is reset before it is looked at is never told of', () => {
  const end = server();
  end.connection.receive(Buffer.concat([headers(1, REQUEST), rst(1), headers(3, REQUEST)]), 0);
  end.connection.receive(Buffer.concat([headers(5, REQUEST, OPEN), data(5, 'a'), rst(5)]), 0);
  assert.deepEqual(end.sink.events, ['3 GET http://a/ [] end', '5 GET http://a/ []', '5 reset 8 remote']);
  assert.equal(end.connection.openStreams, 1);
  assert.deepEqual(output(end), []);
});

/** So many requests, from stream `first` on, each reset at once. */
const cancelled = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => Buffer.concat([headers(first + i * 2, REQUEST), rst(first + i * 2)]));

test('requests reset before they are looked at may be bounded by their number at once', () => {
  const end = server({ untakenResetsMax: 3 });
  for (const bytes of cancelled(1, 10)) end.connection.receive(bytes, 0);
  end.connection.receive(Buffer.concat(cancelled(101, 3)), 0);
  assert.deepEqual(end.sink.events, []);
  end.connection.receive(Buffer.concat(cancelled(201, 4)), 0);
  assert.deepEqual(end.sink.events, ['fault 11']);
  assert.deepEqual(output(end), ['goaway 207 ENHANCE_YOUR_CALM']);
});

test('whoever resets too much is let finish what is open, and cut off if he goes on', () => {
  const end = server();
  end.sink.calmed = (code) => end.sink.events.push(`calmed ${code}`);
  end.connection.receive(headers(1, REQUEST), 0);
  for (const bytes of cancelled(3, 2_000)) end.connection.receive(bytes, 0);
  assert.deepEqual(end.sink.events, ['1 GET http://a/ [] end']);
  for (const bytes of cancelled(4_003, 1_000)) end.connection.receive(bytes, 0);
  assert.deepEqual(end.sink.events, ['1 GET http://a/ [] end', 'calmed 11']);
  assert.deepEqual(output(end), ['goaway 4003 ENHANCE_YOUR_CALM']);
  end.sink.streams.get(1)?.respond(204, [], true);
  assert.deepEqual(output(end), ['headers 1 end']);
  for (const bytes of cancelled(6_003, 1_001)) end.connection.receive(bytes, 0);
  assert.equal(end.sink.events.at(-1), 'calmed 11');
  end.connection.receive(headers(8_005, REQUEST), 0);
  assert.equal(end.sink.events.at(-1), 'fault 11');
});

test('as much of a body waits in its stream as is allowed before the user is stopped', () => {
  const end = server({ sendBytesMax: 100_000 });
  end.connection.receive(headers(1, REQUEST), 0);
  const stream = end.sink.streams.get(1)!;
  stream.respond(200, [], false);
  const body = Buffer.alloc(65_535 + 100_000);
  assert.equal(stream.data(body, 0, body.length, false), true);
  assert.equal(stream.queuedBytes, 100_000);
  assert.equal(stream.data(body, 0, 1, false), false);
  assert.equal(stream.isFull, true);
  end.connection.takeOutput(1e9);
  const open = (bytes: number) =>
    end.connection.receive(Buffer.concat([windowUpdate(0, bytes), windowUpdate(1, bytes)]), 0);
  open(50_000);
  assert.equal(stream.isFull, true);
  open(1);
  assert.equal(stream.isFull, false);
  assert.deepEqual(end.sink.events.slice(1), ['1 writable']);
});

test('padding is given back at once', () => {
  const end = server({ streamWindow: 500, connectionWindow: 65_535 });
  end.connection.receive(headers(1, REQUEST, OPEN), 0);
  end.connection.receive(
    frame(FRAME.data, FLAG.padded, 1, Buffer.concat([Buffer.from([250, 97]), Buffer.alloc(250)])),
    0,
  );
  assert.deepEqual(output(end), ['windowUpdate 1 251']);
  assert.equal(end.sink.body(1).toString(), 'a');
});

test('streams beyond the limit are refused, and taken again later', () => {
  const end = server({ maxConcurrentStreams: 2 });
  for (const id of [1, 3, 5]) end.connection.receive(headers(id, REQUEST), 0);
  assert.deepEqual(output(end), ['rstStream 5 REFUSED_STREAM']);
  end.sink.streams.get(1)?.respond(204, [], true);
  end.connection.receive(headers(7, REQUEST), 0);
  assert.deepEqual(output(end), ['headers 1 end']);
  assert.equal(end.connection.openStreams, 2);
});

test('a list of fields that is too large is answered, not forwarded, and the table stays in step', () => {
  const end = server({ maxHeaderListSize: 300 });
  const indexed = Buffer.concat([Buffer.from([0x40, 3]), Buffer.from('x-a'), Buffer.from([1]), Buffer.from('b')]);
  const large = Buffer.concat([block(extra(['x-large', 'y'.repeat(300)])), indexed]);
  end.connection.receive(frame(FRAME.headers, OPEN | FLAG.endStream, 1, large), 0);
  end.connection.receive(frame(FRAME.headers, OPEN, 3, large), 0);
  assert.deepEqual(output(end), ['headers 1 end', 'headers 3 end', 'rstStream 3 NO_ERROR']);
  end.connection.receive(
    frame(FRAME.headers, OPEN | FLAG.endStream, 5, Buffer.concat([block(REQUEST), Buffer.from([0xbe])])),
    0,
  );
  assert.deepEqual(end.sink.events, ['5 GET http://a/ [x-a=b] end']);
});

test('header blocks come in any number of frames, within limits', () => {
  const end = server();
  const whole = block(extra(['x-a', 'b']));
  end.connection.receive(frame(FRAME.headers, FLAG.endStream, 1, whole.subarray(0, 5)), 0);
  for (let at = 5; at < whole.length; at++)
    end.connection.receive(
      frame(FRAME.continuation, at + 1 === whole.length ? OPEN : 0, 1, whole.subarray(at, at + 1)),
      0,
    );
  assert.deepEqual(end.sink.events, ['1 GET http://a/ [x-a=b] end']);
  const endless = server();
  endless.connection.receive(headers(1, REQUEST, 0), 0);
  for (let i = 0; i < 65; i++) endless.connection.receive(frame(FRAME.continuation, 0, 1), 0);
  assert.deepEqual(endless.sink.events, ['fault 11']);
  const long = server();
  long.connection.receive(headers(1, REQUEST, 0), 0);
  for (let i = 0; i < 17; i++) long.connection.receive(frame(FRAME.continuation, 0, 1, Buffer.alloc(16_384)), 0);
  assert.deepEqual(long.sink.events, ['fault 11']);
});

const FLOOD_FRAMES: Record<string, (i: number) => Buffer> = {
  'requests that are cancelled at once': (i) => Buffer.concat([headers(i * 2 + 1, REQUEST), rst(i * 2 + 1)]),
  'malformed requests': (i) => headers(i * 2 + 1, without(':path')),
  settings: () => settings(),
  pings: () => ping(),
  'empty DATA': (i) => (i === 0 ? headers(1, REQUEST, OPEN) : data(1, '')),
  'PRIORITY frames': () => frame(FRAME.priority, 0, 1, [0, 0, 0, 3, 0]),
  'unknown frames': () => frame(99, 0, 0, [1]),
  'WINDOW_UPDATE frames': () => windowUpdate(0, 1),
};
for (const [name, make] of Object.entries(FLOOD_FRAMES))
  test(`ends the connection for a flood of ${name}, and forgets them with time`, () => {
    const end = server();
    let sent = 0;
    const send = (nowMs: number) => {
      end.connection.receive(make(sent++), nowMs);
      if (sent % 100 === 0) end.connection.takeOutput(1e9);
    };
    for (let windows = 0; windows < 5; windows++) for (let i = 0; i < 400; i++) send(windows * 10_000);
    assert.doesNotMatch(end.sink.events.at(-1) ?? '', /fault/);
    while (sent < 210_000 && !end.sink.events.at(-1)?.startsWith('fault')) send(60_000);
    assert.equal(end.sink.events.at(-1), 'fault 11');
  });

test('answers to a peer that does not read are bounded', () => {
  const end = server();
  for (let i = 0; i < 20_000; i++) end.connection.receive(ping(), i * 10);
  assert.equal(end.sink.events.at(-1), 'fault 11');
  assert.ok(end.connection.outputBytes < 150_000);
});

test('a peer that asks and never reads has its streams refused', () => {
  const end = server();
  end.connection.hold(true);
  let bytes = 0;
  for (let i = 0; i < 100_000 && !end.sink.events.at(-1)?.startsWith('fault'); i++) {
    end.connection.receive(headers(i * 2 + 1, REQUEST), i);
    end.sink.streams.get(i * 2 + 1)?.respond(200, [end.fields.fieldOf('x-a', 'b'.repeat(100))], true);
    bytes = Math.max(bytes, end.connection.outputBytes);
  }
  assert.ok(bytes < 500_000, `${bytes} octets waited`);
});

test('a peer that asks for much and opens no windows has further streams refused until some of it is gone', () => {
  const end = server();
  const body = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 8; i++) {
    end.connection.receive(headers(i * 2 + 1, REQUEST), 0);
    const stream = end.sink.streams.get(i * 2 + 1);
    stream?.respond(200, [], false);
    stream?.data(body, 0, body.length, true);
  }
  assert.equal(end.sink.streams.size, 5);
  end.connection.takeOutput(1e9);
  for (const id of [1, 3]) end.connection.receive(rst(id, HTTP2_ERROR.CANCEL), 0);
  end.connection.receive(headers(101, REQUEST), 0);
  assert.equal(end.sink.streams.size, 6);
});

test('a connection does not end for requests that are refused because others wait', () => {
  const end = server({ streamWindow: 1 << 23, connectionWindow: 1 << 23 });
  end.sink.consumes = false;
  end.connection.receive(headers(1, REQUEST, OPEN), 0);
  for (let i = 0; i <= 256; i++) end.connection.receive(data(1, 'x'.repeat(16_384)), 0);
  for (let i = 0; i < 5_000; i++) {
    end.connection.receive(headers(3 + i * 2, REQUEST, OPEN), 0);
    end.connection.takeOutput(1e9);
  }
  assert.deepEqual(end.sink.events, ['1 GET http://a/ []']);
  end.sink.streams.get(1)?.consume(16_384);
  end.connection.receive(headers(20_001, REQUEST, OPEN), 0);
  assert.equal(end.sink.events.at(-1), '20001 GET http://a/ []');
});

test('a small part of what was read does not keep the rest in memory while it waits', () => {
  const end = server();
  end.connection.receive(headers(1, REQUEST), 0);
  const stream = end.sink.streams.get(1)!;
  stream.respond(200, [], false);
  stream.data(Buffer.alloc(65_535), 0, 65_535, false);
  const read = Buffer.from('a large read with a small part that must wait');
  stream.data(read, 8, 12, true);
  read.fill('x');
  end.connection.takeOutput(1e9);
  end.connection.receive(Buffer.concat([windowUpdate(0, 100), windowUpdate(1, 100)]), 0);
  assert.match(String(end.connection.takeOutput(1e9)), /read$/);
});

test('a reset without error lets a whole response out before, trailers or not', () => {
  for (const withTrailers of [false, true]) {
    const end = server();
    end.connection.receive(headers(1, REQUEST, OPEN), 0);
    const stream = end.sink.streams.get(1)!;
    stream.respond(200, [], false);
    stream.data(Buffer.alloc(70_000), 0, 70_000, !withTrailers);
    if (withTrailers) stream.trailers([end.fields.fieldOf('x-a', 'b')]);
    stream.reset(HTTP2_ERROR.NO_ERROR);
    while (end.connection.takeOutput(1e9));
    assert.equal(end.connection.openStreams, 1);
    end.connection.receive(Buffer.concat([windowUpdate(0, 10_000), windowUpdate(1, 10_000)]), 0);
    const last = withTrailers ? ['data 1 4465', 'headers 1 end'] : ['data 1 4465 end'];
    assert.deepEqual(output(end), [...last, 'rstStream 1 NO_ERROR']);
    assert.equal(end.connection.openStreams, 0);
    assert.equal(stream.queuedBytes, 0);
  }
});

test('says GOAWAY twice on a graceful end, and takes what was on its way', () => {
  const end = server();
  end.connection.receive(headers(1, REQUEST), 0);
  end.connection.goaway(HTTP2_ERROR.NO_ERROR, true);
  const bytes = end.connection.takeOutput(1e9)!;
  assert.deepEqual(showFrames(bytes), [`goaway ${2 ** 31 - 1} NO_ERROR`, 'ping']);
  end.connection.receive(headers(3, REQUEST), 0);
  const answer = Buffer.from(bytes.subarray(-17));
  answer[4] = FLAG.ack;
  end.connection.receive(answer, 0);
  assert.deepEqual(output(end), ['goaway 3 NO_ERROR']);
  end.connection.receive(headers(5, REQUEST), 0);
  assert.deepEqual(end.sink.events, ['1 GET http://a/ [] end', '3 GET http://a/ [] end']);
  for (const stream of end.sink.streams.values()) stream.respond(204, [], true);
  assert.deepEqual(output(end), ['headers 1 end', 'headers 3 end']);
});

const HEAD: RequestHead = {
  version: 20,
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/',
  absoluteForm: false,
  upgrade: '',
  fields: [],
  contentLength: -1,
};

/** A client that has said and heard hello, with one stream open. */
function client(method = 'GET'): End & { stream: NonNullable<ReturnType<End['connection']['request']>> } {
  const end = createEnd('client');
  end.connection.receive(Buffer.concat([settings(), settingsAck()]), 0);
  const stream = end.connection.request({ ...HEAD, method }, true, 'one');
  assert.ok(stream);
  end.connection.takeOutput(1e9);
  end.sink.events.length = 0;
  return { ...end, stream };
}

const CLIENT_CASES: Record<string, [Buffer, string[]]> = {
  'a response without :status': [headers(1, [['x-a', 'b']]), ['1 reset 1']],
  'a response of 101': [headers(1, [[':status', '101']], OPEN), ['1 reset 1']],
  'an informational head that ends the stream': [headers(1, [[':status', '100']]), ['1 reset 1']],
  'DATA before a head': [data(1, 'a'), ['1 reset 1']],
  'request pseudo-headers': [
    headers(1, [
      [':status', '200'],
      [':path', '/'],
    ]),
    ['1 reset 1'],
  ],
  'a response on a stream that we did not open': [headers(3, [[':status', '200']]), ['fault 1']],
  'a stream of the server': [headers(2, [[':status', '200']]), ['fault 1']],
  'a push': [frame(FRAME.pushPromise, OPEN, 1, [0, 0, 0, 2]), ['fault 1']],
  'ENABLE_PUSH of a server': [settings([SETTING.enablePush, 1]), ['fault 1']],
  'a refused stream': [rst(1, HTTP2_ERROR.REFUSED_STREAM), ['1 reset 7 remote unprocessed']],
  'GOAWAY before our stream': [goaway(0, 2), ['goaway 2 0', '1 reset 7 remote unprocessed']],
  'GOAWAY behind our stream': [goaway(1, 0), ['goaway 0 1']],
  'a whole response': [
    Buffer.concat([headers(1, [[':status', '100']], OPEN), headers(1, [[':status', '200']], OPEN), data(1, 'a', true)]),
    ['1 100 []', '1 200 []', '1 end'],
  ],
};
for (const [name, [bytes, events]] of Object.entries(CLIENT_CASES))
  test(`a client and ${name}`, () => {
    const end = client();
    end.connection.receive(bytes, 0);
    assert.deepEqual(end.sink.events, events);
  });

test('a client asks for HEAD: content-length tells no body', () => {
  const end = client('HEAD');
  end.connection.receive(
    headers(1, [
      [':status', '200'],
      ['content-length', '9'],
    ]),
    0,
  );
  assert.deepEqual(end.sink.events, ['1 200 [content-length=9] end']);
  const wrong = client('HEAD');
  wrong.connection.receive(
    Buffer.concat([
      headers(
        1,
        [
          [':status', '200'],
          ['content-length', '9'],
        ],
        OPEN,
      ),
      data(1, 'a'),
    ]),
    0,
  );
  assert.deepEqual(wrong.sink.events, ['1 200 [content-length=9]', '1 reset 1']);
});

test('a client opens as many streams as the server lets it, and hears when more are possible', () => {
  const end = client();
  end.connection.receive(settings([SETTING.maxConcurrentStreams, 1]), 0);
  assert.equal(end.connection.canOpen, false);
  assert.equal(end.connection.request(HEAD, true, 'no'), undefined);
  end.sink.events.length = 0;
  end.connection.receive(headers(1, [[':status', '200']]), 0);
  assert.deepEqual(end.sink.events, ['available', '1 200 [] end']);
  assert.equal(end.connection.canOpen, true);
  end.connection.receive(goaway(1, 0), 0);
  assert.equal(end.connection.canOpen, false);
});

test('closing reports each open stream, and tells what the server cannot have seen', () => {
  const end = client();
  end.connection.close();
  assert.deepEqual(end.sink.events, ['1 reset 8 remote']);
  end.connection.receive(headers(1, [[':status', '200']]), 0);
  assert.equal(end.sink.events.length, 1);
});

test('pings carry numbers there and back', () => {
  const end = client();
  end.connection.ping(2 ** 40 + 7);
  const bytes = Buffer.from(end.connection.takeOutput(1e9)!);
  bytes[4] = FLAG.ack;
  end.connection.receive(bytes, 0);
  assert.deepEqual(end.sink.events, [`pong ${2 ** 40 + 7}`]);
});

test('a header block larger than a frame is sent in several', () => {
  const end = client();
  const fields = Array.from({ length: 5 }, (_, i) => end.fields.fieldOf(`x-${i}`, 'v'.repeat(10_000)));
  end.connection.request({ ...HEAD, fields }, true, 'two');
  const bytes = end.connection.takeOutput(1e9)!;
  assert.deepEqual(showFrames(bytes), ['headers 3 end', 'continuation 3', 'continuation 3', 'continuation 3']);
  const peer = server({ maxHeaderListSize: 60_000 });
  peer.connection.receive(Buffer.from(bytes), 0);
  assert.match(peer.sink.events[0] ?? '', /^3 GET http:\/\/a\/ \[x-0=v+\|x-1=v+.*\] end$/);
});

test('frames may be of unknown types and of any flags', () => {
  const end = server();
  end.connection.receive(
    Buffer.concat([frame(77, 255, 9, uint32(1)), frame(FRAME.priority, 0, 9, [0, 0, 0, 1, 0])]),
    0,
  );
  end.connection.receive(frame(FRAME.headers, 0xff & ~FLAG.padded & ~FLAG.priority, 1, block(REQUEST)), 0);
  assert.deepEqual(end.sink.events, ['1 GET http://a/ [] end']);
});
