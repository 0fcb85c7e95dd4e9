import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '#model/faults';
import { RetryPolicy } from '#model/retry';
import { LIMITS } from '../limits.ts';
import { ExchangeScript, fieldOf, requestOf, responseOf } from './exchange.fake.ts';

test('a request and its response pass, the connection is released, and everything is counted once', () => {
  const script = new ExchangeScript();
  const [route, backend] = [script.scope('route'), script.scope('backend')];
  script.begin(requestOf({ method: 'POST' }), false, {
    dispatch: (exchange) => {
      exchange.upstream = script.upstream;
      exchange.scopes.push(route, backend);
      return undefined;
    },
  });
  script.data('hello');
  script.exchange.end([fieldOf('x-sum: 1'), fieldOf('l5d-require-id: forged')]);
  script.exchange.response(responseOf(200, 'x-a: 1', 'l5d-proxy-error: of another proxy'), false);
  script.responseData('world');
  script.exchange.responseEnd(undefined);
  assert.deepEqual(script.take(), [
    'route started',
    'backend started',
    'acquire',
    'up1 POST web/',
    'up1 data hello',
    'up1 end x-sum=1',
    'responded 200',
    'down 200 x-a=1',
    'down data world',
    'down end',
    'up1 release',
    'route ended 200 well',
    'backend ended 200 well',
    'left',
    'done',
  ]);
  const { outcome } = script.exchange;
  assert.deepEqual([outcome.requestBytes, outcome.responseBytes, script.side.inFlight], [5, 5, 0]);
});

test('bytes that come before a connection is found are kept, and the client is stopped when they are too many', () => {
  const script = new ExchangeScript();
  script.attaches = false;
  script.begin(requestOf({ method: 'PUT' }), false);
  script.data('a').data('b'.repeat(LIMITS.replayBytesMax));
  script.exchange.end(undefined);
  assert.deepEqual(script.take(), ['acquire', 'down pause 1']);
  assert.equal(script.attach(), true);
  const [head, a, , end] = script.take();
  assert.deepEqual([head, a, end], ['up1 PUT web/', 'up1 data a', 'up1 end']);
});

test('a connection that comes when nobody waits any more is not taken', () => {
  const script = new ExchangeScript();
  script.attaches = false;
  script.begin(requestOf(), true);
  script.exchange.abort('client-gone');
  assert.equal(script.attach(), false);
  assert.deepEqual(script.take(), ['acquire', 'forget', 'done']);
});

test('back-pressure goes both ways', () => {
  const script = new ExchangeScript();
  script.begin(requestOf({ method: 'POST' }), false);
  script.senders[0]!.room = false;
  script.room = false;
  script.data('x');
  script.exchange.response(responseOf(200), false);
  script.responseData('y');
  script.exchange.downstreamDrained();
  const lines = script.take();
  assert.ok(lines.includes('down pause 2'));
  assert.deepEqual(lines.slice(-3), ['down data y', 'up1 pause', 'up1 resume']);
});

test('a reused connection that broke before the response is tried again for idempotent methods only', () => {
  const put = new ExchangeScript();
  put.begin(requestOf({ method: 'PUT' }), false).data('body');
  put.exchange.end(undefined);
  put.exchange.lost(new Fault('upstream-reset'), 'if-idempotent');
  put.exchange.response(responseOf(204), true);
  assert.deepEqual(put.take().slice(4), [
    'left',
    'acquire',
    'up2 PUT web/',
    'up2 data body',
    'up2 end',
    'responded 204',
    'down 204 end',
    'up2 release',
    'left',
    'done',
  ]);
  const post = new ExchangeScript();
  post.begin(requestOf({ method: 'POST' }), true);
  post.exchange.lost(new Fault('upstream-reset'), 'if-idempotent');
  assert.ok(post.take().some((line) => line.startsWith('down 502')));
});

test('a request that the server surely did not act on is tried again whatever its method, a bounded number of times', () => {
  const script = new ExchangeScript();
  script.begin(requestOf({ method: 'POST' }), true);
  for (let i = 0; i < LIMITS.connectAttemptsMax; i++) script.exchange.lost(new Fault('stream-refused'), 'always');
  const lines = script.take();
  assert.equal(lines.filter((line) => line === 'acquire').length, LIMITS.connectAttemptsMax);
  assert.ok(lines.some((line) => line.startsWith('down 502')));
});

test('a response that broke off is never repaired: a reset, or trailers for gRPC', () => {
  const plain = new ExchangeScript();
  plain.begin(requestOf(), true);
  plain.exchange.response(responseOf(200), false);
  plain.exchange.lost(new Fault('upstream-reset'), 'never');
  assert.deepEqual(plain.take().slice(-3), ['down reset 2', 'left', 'done']);
  const grpc = new ExchangeScript({}, 20);
  grpc.begin(requestOf({ version: 20, method: 'POST' }, 'content-type: application/grpc'), true);
  grpc.exchange.response(responseOf(200), false);
  grpc.exchange.lost(new Fault('upstream-reset', 'ECONNRESET'), 'never');
  assert.deepEqual(grpc.take().slice(-3), [
    'down end grpc-status=14 grpc-message=the server closed the connection: ECONNRESET',
    'left',
    'done',
  ]);
});

test('a reset of a stream reaches a client of HTTP/2 as such, and one of HTTP/1 as 502', () => {
  const reset = (): Fault => {
    const fault = new Fault('stream-cancelled');
    fault.http2Code = 8;
    return fault;
  };
  const h2 = new ExchangeScript({}, 20);
  h2.begin(requestOf({ version: 20 }), true);
  h2.exchange.lost(reset(), 'never');
  assert.ok(h2.take().includes('down reset 8'));
  const h1 = new ExchangeScript();
  h1.begin(requestOf(), true);
  h1.exchange.lost(reset(), 'never');
  assert.ok(h1.take().some((line) => line.startsWith('down 502')));
});

test('an answer of the proxy itself says why to those who may know, and closes where the fault or a rest of the body wants it', () => {
  const told = new ExchangeScript();
  told.refuse(requestOf(), true, new Fault('unauthorized'));
  assert.deepEqual(told.take(), [
    'down 403 l5d-proxy-error=unauthorized request on route content-length=0 end',
    'done',
  ]);
  assert.deepEqual(told.failed, ['unauthorized']);
  const stranger = new ExchangeScript({}, 11, false);
  stranger.refuse(requestOf(), false, new Fault('unauthorized'));
  assert.deepEqual(stranger.take(), ['down close', 'down 403 content-length=0 end', 'done']);
  const answer =
    'down 200 content-type=application/grpc grpc-status=4 grpc-message=service in fail-fast: 100%25 down l5d-proxy-error=service in fail-fast: 100% down l5d-proxy-connection=close end';
  for (const [identity, before] of [
    // A proxy's connection is shared: it stays, and only the proxy's client is told to go.
    ['web.a', []],
    // Others look for another server: whoever made the connection may find one.
    [undefined, ['down close']],
  ] as const) {
    const grpc = new ExchangeScript({}, 20, true, identity);
    const head = requestOf({ version: 20 }, 'content-type: application/grpc+proto');
    grpc.refuse(head, false, new Fault('fail-fast', '100% down'));
    assert.deepEqual(grpc.take(), [...before, answer, 'done']);
    assert.equal(grpc.exchange.outcome.grpcStatus, 4);
  }
  const unusable = new ExchangeScript({}, 20);
  unusable.refuse(requestOf({ version: 20 }), true, new Fault('invalid-policy'));
  assert.equal(unusable.take()[0], 'down close');
});

test('more requests than may be in flight are shed', () => {
  const script = new ExchangeScript({ inFlightMax: 0 });
  script.begin(requestOf(), true);
  assert.ok(script.take().some((line) => line.startsWith('down 503')));
  assert.deepEqual(script.failed, ['load-shed']);
});

test('an upgrade is a tunnel from the response on: bytes pass unread, each side ends for itself', () => {
  const script = new ExchangeScript();
  script.begin(requestOf({ upgrade: 'chat' }), true);
  script.exchange.response(responseOf(101), false);
  script.data('ping').responseData('pong');
  script.exchange.responseEnd(undefined);
  script.data('more');
  script.exchange.end(undefined);
  assert.deepEqual(script.take().slice(3), [
    'down 101',
    'up1 data ping',
    'down data pong',
    'down end',
    'up1 data more',
    'up1 end',
    'up1 release',
    'left',
    'done',
  ]);
});

test('bytes behind CONNECT wait until the server agrees, so that they cannot be taken for a request', () => {
  const script = new ExchangeScript({}, 20);
  script.begin(requestOf({ version: 20, method: 'CONNECT', authority: 'a:1', path: '' }), false).data('early');
  assert.deepEqual(script.take(), ['acquire', 'up1 CONNECT a:1']);
  script.exchange.response(responseOf(200), false);
  assert.deepEqual(script.take(), ['responded 200', 'down 200', 'up1 data early']);
  const refused = new ExchangeScript({}, 20);
  refused.begin(requestOf({ version: 20, method: 'CONNECT', authority: 'a:1', path: '' }), false).data('early');
  refused.exchange.response(responseOf(403), true);
  assert.ok(!refused.take().includes('up1 data early'));
});

test('informational heads pass, but not to HTTP/1.0', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), false);
  script.exchange.informational(responseOf(100));
  assert.ok(script.take().includes('down 100'));
  const old = new ExchangeScript();
  old.begin(requestOf({ version: 10 }), false);
  old.exchange.informational(responseOf(100));
  assert.ok(!old.take().includes('down 100'));
});

test('a peer that wants the connection of the client closed is obeyed', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), true);
  script.exchange.response(responseOf(502, 'l5d-proxy-connection: Close'), true);
  assert.deepEqual(script.take().slice(3, 5), ['down close', 'down 502 end']);
});

test('a delay comes before the attempt, and a client that goes away ends it', () => {
  const script = new ExchangeScript();
  const dispatch = (exchange: typeof script.exchange) => {
    exchange.upstream = script.upstream;
    exchange.delayMs = 50;
    return undefined;
  };
  script.begin(requestOf(), true, { dispatch });
  script.clock.advance(49);
  assert.deepEqual(script.take(), []);
  script.clock.advance(1);
  assert.deepEqual(script.take(), ['acquire', 'up1 GET web/ end']);
  const gone = new ExchangeScript();
  gone.begin(requestOf(), true, { dispatch });
  gone.exchange.abort('client-gone');
  gone.clock.advance(1_000);
  assert.deepEqual(gone.take(), ['done']);
  assert.equal(gone.clock.pending, 0);
});

test('observers see each stage, and may change the request at its start', () => {
  const script = new ExchangeScript();
  const seen: string[] = [];
  script.observers.push({
    begun: (exchange) => {
      seen.push('begun');
      exchange.request.fields.push(fieldOf('x-trace: 1'));
    },
    dispatched: () => seen.push('dispatched'),
    responded: (_exchange, head) => seen.push(`responded ${head.status}`),
    ended: ({ outcome }) => seen.push(`ended ${outcome.status}`),
  });
  script.begin(requestOf(), true);
  script.exchange.response(responseOf(200), true);
  script.refuse(requestOf(), true, new Fault('route-not-found'));
  assert.ok(script.take().includes('up1 GET web/ x-trace=1 end'));
  assert.deepEqual(seen, ['begun', 'dispatched', 'responded 200', 'ended 200', 'begun', 'responded 404', 'ended 404']);
});

// --- copies

/** A script whose requests are copied to a second, silent upstream; `copies` is what that one got. */
function mirrored(changes: Partial<ConstructorParameters<typeof ExchangeScript>[0]> = {}) {
  const script = new ExchangeScript(changes);
  const copies = new ExchangeScript();
  const dispatch = (exchange: typeof script.exchange) => {
    exchange.upstream = script.upstream;
    exchange.mirrorTo = [{ acquire: (copy) => copies.attachTo(copy), cancel: () => copies.log.push('forget') }];
    return undefined;
  };
  return { script, copies, dispatch };
}

test('a copy of a request goes its own way, and its response concerns nobody', () => {
  const { script, copies, dispatch } = mirrored();
  script.begin(requestOf({ method: 'POST' }, 'x-a: 1'), false, { dispatch }).data('body');
  script.exchange.end([fieldOf('x-sum: 1')]);
  assert.deepEqual(copies.take(), ['up1 POST web/ x-a=1', 'up1 data body', 'up1 end x-sum=1']);
  copies.attached!.response(responseOf(500), false);
  script.exchange.response(responseOf(200), true);
  copies.attached!.lost(new Fault('upstream-reset'), 'never');
  assert.deepEqual(
    script.take().filter((line) => line.startsWith('down')),
    ['down 200 end'],
  );
  assert.deepEqual([script.failed, script.exchange.outcome.fault, script.side.inFlight], [[], undefined, 0]);
});

test('a copy that cannot keep up, or whose request is broken off, is given up', () => {
  const slow = mirrored();
  slow.script.begin(requestOf({ method: 'POST' }), false, { dispatch: slow.dispatch });
  slow.copies.senders[0]!.room = false;
  slow.script.data('a').data('b');
  assert.deepEqual(slow.copies.take(), ['up1 POST web/', 'up1 data a', 'up1 cancel']);
  assert.ok(slow.script.take().includes('up1 data b'));
  const gone = mirrored();
  gone.script.begin(requestOf({ method: 'POST' }), false, { dispatch: gone.dispatch });
  gone.script.exchange.abort('client-gone');
  assert.deepEqual(gone.copies.take(), ['up1 POST web/', 'up1 cancel']);
  const late = mirrored();
  late.script.begin(requestOf(), true, { dispatch: late.dispatch });
  late.script.clock.advance(LIMITS.mirrorMs);
  assert.deepEqual(late.copies.take(), ['up1 GET web/ end', 'up1 cancel']);
});

test('retries are not copied again', () => {
  const { script, copies, dispatch } = mirrored();
  script.begin(requestOf(), true, { dispatch, retry: policy() });
  script.exchange.response(responseOf(503), true);
  script.exchange.response(responseOf(200), true);
  assert.equal(copies.senders.length, 1);
});

// --- retries

const policy = (changes: Partial<ConstructorParameters<typeof RetryPolicy>[0]> = {}): RetryPolicy =>
  new RetryPolicy({
    limit: 2,
    bytesMax: 10,
    perTryMs: undefined,
    backoff: undefined,
    statuses: [{ from: 500, to: 599 }],
    grpcCodes: [14],
    ...changes,
  });

test('a status of the policy is tried again with the filters run anew, and only the last answer is seen', () => {
  const script = new ExchangeScript();
  let tries = 0;
  script.begin(requestOf({ method: 'POST' }, 'x-a: 1'), false, {
    retry: policy(),
    dispatch: (exchange) => {
      exchange.upstream = script.upstream;
      exchange.request.fields.push(fieldOf(`x-try: ${++tries}`));
      return undefined;
    },
  });
  script.data('body');
  script.exchange.end(undefined);
  script.exchange.response(responseOf(503), false);
  script.exchange.response(responseOf(500), true);
  script.exchange.response(responseOf(200), true);
  assert.deepEqual(script.take(), [
    'acquire',
    'up1 POST web/ x-a=1 x-try=1',
    'up1 data body',
    'up1 end',
    'responded 503',
    'up1 discard',
    'left',
    'acquire',
    'up2 POST web/ x-a=1 x-try=2',
    'up2 data body',
    'up2 end',
    'responded 500',
    'up2 release',
    'left',
    'acquire',
    'up3 POST web/ x-a=1 x-try=3',
    'up3 data body',
    'up3 end',
    'responded 200',
    'down 200 end',
    'up3 release',
    'left',
    'done',
  ]);
  assert.deepEqual(script.counted, ['retry', 'retry', 'success']);
  assert.equal(script.exchange.outcome.retries, 2);
});

test('after the last retry the answer passes as it is, and the limit is counted', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), true, { retry: policy({ limit: 1 }) });
  script.exchange.response(responseOf(503), true);
  script.exchange.response(responseOf(503), true);
  assert.ok(script.take().includes('down 503 end'));
  assert.deepEqual(script.counted, ['retry', 'limit']);
});

test('a body that is too large or not all sent is sent once', () => {
  const large = new ExchangeScript();
  large.begin(requestOf({ method: 'POST' }), false, { retry: policy() }).data('more than ten');
  large.exchange.end(undefined);
  large.exchange.response(responseOf(503), true);
  assert.ok(large.take().includes('down 503 end'));
  const early = new ExchangeScript();
  early.begin(requestOf({ method: 'POST' }), false, { retry: policy() }).data('x');
  early.exchange.response(responseOf(503), true);
  assert.ok(early.take().includes('down 503 end'));
  assert.deepEqual([large.counted, early.counted], [[], []]);
});

test('gRPC: a status in the head, or in trailers that come at once, is tried again; a body that began is not', () => {
  const grpc = (): ExchangeScript => {
    const script = new ExchangeScript({}, 20);
    const head = requestOf({ version: 20, method: 'POST' }, 'content-type: application/grpc');
    return script.begin(head, true, { retry: policy() });
  };
  const script = grpc();
  script.exchange.response(responseOf(200, 'grpc-status: 14'), true);
  script.exchange.response(responseOf(200), false);
  script.exchange.responseEnd([fieldOf('grpc-status: 14')]);
  script.exchange.response(responseOf(200), false);
  script.responseData('message');
  script.exchange.responseEnd([fieldOf('grpc-status: 14')]);
  const down = script.take().filter((line) => /^down|discard|release/.test(line));
  assert.deepEqual(down, [
    'up1 release',
    'up2 release',
    'down 200',
    'down data message',
    'down end grpc-status=14',
    'up3 release',
  ]);
  assert.equal(script.exchange.outcome.grpcStatus, 14);
  const fine = grpc();
  fine.exchange.response(responseOf(200), false);
  fine.exchange.responseEnd([fieldOf('grpc-status: 0')]);
  assert.deepEqual(fine.counted, []);
  assert.deepEqual(
    fine.take().filter((line) => line.startsWith('down')),
    ['down 200', 'down end grpc-status=0'],
  );
});

test('a fail-fast is tried again, a connection that failed counts as its status, load that was shed never', () => {
  const outcomes = (code: 'fail-fast' | 'connect-refused' | 'load-shed', statuses: { from: number; to: number }[]) => {
    const script = new ExchangeScript();
    script.attaches = false;
    script.begin(requestOf(), true, { retry: policy({ statuses, limit: 1 }) });
    script.exchange.unavailable(new Fault(code));
    return script.take().filter((line) => line === 'acquire').length;
  };
  assert.equal(outcomes('fail-fast', []), 2);
  assert.equal(outcomes('connect-refused', []), 1);
  assert.equal(outcomes('connect-refused', [{ from: 502, to: 502 }]), 2);
  assert.equal(outcomes('load-shed', [{ from: 500, to: 599 }]), 1);
});

test('retries wait longer each time, with chance, and end with the client', () => {
  const script = new ExchangeScript();
  script.random = 0.5;
  script.begin(requestOf(), true, { retry: policy({ backoff: { minMs: 20, maxMs: 30, jitter: 1 } }) });
  script.exchange.response(responseOf(503), true);
  script.clock.advance(29);
  assert.equal(script.senders.length, 1);
  script.clock.advance(1);
  assert.equal(script.senders.length, 2);
  script.exchange.response(responseOf(503), true);
  script.clock.advance(44);
  assert.equal(script.senders.length, 2);
  script.exchange.abort('client-gone');
  script.clock.advance(100);
  assert.equal(script.senders.length, 2);
  assert.equal(script.clock.pending, 0);
});

test('an attempt that does not begin to answer in time gives way to the next; the last one may take longer', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), true, { retry: policy({ perTryMs: 100, limit: 1 }) });
  script.clock.advance(100);
  assert.deepEqual(script.take(), ['acquire', 'up1 GET web/ end', 'up1 cancel', 'left', 'acquire', 'up2 GET web/ end']);
  script.clock.advance(10_000);
  script.exchange.response(responseOf(200), true);
  assert.ok(script.take().includes('down 200 end'));
});

test('a budget that is spent ends retries, and is told of each request', () => {
  const script = new ExchangeScript();
  let deposits = 0;
  const retry = {
    limit: 5,
    bytesMax: 10,
    perTryMs: undefined,
    backoff: undefined,
    retryable: (status: number) => status === 503,
    withdraw: () => script.senders.length < 2,
    deposit: () => void deposits++,
  };
  script.begin(requestOf(), true, { retry });
  script.exchange.response(responseOf(503), true);
  script.exchange.response(responseOf(503), true);
  assert.ok(script.take().includes('down 503 end'));
  assert.deepEqual(script.counted, ['retry', 'overflow']);
  assert.equal(deposits, 1);
});

test('headers ask for retries and time-outs where the route allows it, and go no further', () => {
  const lines = ['l5d-retry-http: 5xx', 'l5d-retry-limit: 1', 'l5d-timeout: 1s', 'x-a: 1'];
  const allowed = new ExchangeScript();
  allowed.begin(requestOf({}, ...lines), true, { allowsRequestHeaders: true });
  allowed.exchange.response(responseOf(503), true);
  allowed.clock.advance(1_000);
  const seen = allowed.take();
  assert.ok(seen.includes('up1 GET web/ x-a=1 end'));
  assert.ok(seen.some((line) => line.startsWith('down 504')));
  assert.equal(allowed.senders.length, 2);
  const not = new ExchangeScript();
  not.begin(requestOf({}, ...lines), true);
  not.exchange.response(responseOf(503), true);
  assert.match(not.take()[1] ?? '', /l5d-retry-http=5xx/);
  assert.equal(not.senders.length, 1);
});

// --- time-outs

test('the whole request, the response and silence are bounded: 504 before the head, a break behind it', () => {
  const before = (timeouts: object): string => {
    const script = new ExchangeScript();
    script.begin(requestOf(), true, { timeouts });
    script.clock.advance(99);
    assert.ok(!script.take().some((line) => line.startsWith('down')));
    script.clock.advance(1);
    const [down] = script.take().filter((line) => line.startsWith('down 504'));
    assert.equal(script.clock.pending, 0);
    return `${down?.slice(0, 8)} ${script.exchange.outcome.fault}`;
  };
  assert.equal(before({ requestMs: 100 }), 'down 504 request-timeout');
  assert.equal(before({ responseMs: 100 }), 'down 504 response-timeout');
  assert.equal(before({ idleMs: 100 }), 'down 504 idle-timeout');
  const closing = new ExchangeScript();
  closing.begin(requestOf(), true, { timeouts: { headMs: 100 } });
  closing.clock.advance(100);
  assert.ok(closing.take().includes('down close'));
  assert.equal(closing.exchange.outcome.fault, 'profile-timeout');

  const after = new ExchangeScript();
  after.begin(requestOf(), true, { timeouts: { requestMs: 100, headMs: 50 } });
  after.exchange.response(responseOf(200), false);
  after.clock.advance(100);
  assert.deepEqual(after.take().slice(-4), ['up1 cancel', 'down reset 8', 'left', 'done']);
  assert.equal(after.exchange.outcome.fault, 'request-timeout');
});

test('frames either way put silence off', () => {
  const script = new ExchangeScript();
  script.begin(requestOf({ method: 'POST' }), false, { timeouts: { idleMs: 100 } });
  script.clock.advance(80);
  script.data('x');
  script.clock.advance(80);
  script.exchange.response(responseOf(200), false);
  script.clock.advance(80);
  script.responseData('y');
  script.clock.advance(99);
  assert.ok(script.exchange.open);
  script.clock.advance(1);
  assert.equal(script.exchange.open, false);
});
