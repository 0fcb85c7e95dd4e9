import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../limits.ts';
import { ExchangeScript, requestOf, responseOf } from './exchange.fake.ts';

const post = () => requestOf({ version: 20, method: 'PUT', contentLength: 6 });

test('what is kept of a body counts, until the response begins', () => {
  const script = new ExchangeScript();
  script.begin(post(), false).data('abc');
  assert.equal(script.exchange.keptBytes, 3);
  script.exchange.response(responseOf(200), false);
  assert.equal(script.exchange.keptBytes, 0);
});

test('what is kept can be let go of: the request goes on, but is not sent again', () => {
  const script = new ExchangeScript();
  script.senderVersion = 20;
  script.begin(post(), false).data('abc');
  assert.equal(script.exchange.forgetKept(), 3);
  assert.equal(script.exchange.keptBytes, 0);
  script.data('def');
  script.exchange.end(undefined);
  assert.deepEqual(script.take(), ['acquire', 'up1 PUT web/', 'up1 data abc', 'up1 data def', 'up1 end']);
  assert.equal(script.exchange.forgetKept(), 0);
});

test('what has not been sent at all is not let go of', () => {
  const script = new ExchangeScript();
  script.attaches = false;
  script.begin(post(), false).data('abc');
  assert.deepEqual([script.exchange.forgetKept(), script.exchange.keptBytes], [0, 3]);
});

test('a tunnel of which one side has ended does not wait for a silent other side without end', () => {
  for (const ends of ['client', 'server'] as const) {
    const script = new ExchangeScript();
    script.begin(requestOf({ upgrade: 'websocket' }), true);
    script.exchange.response(responseOf(101), false);
    script.clock.advance(2 * LIMITS.halfClosedMs);
    if (ends === 'client') script.exchange.end(undefined);
    else script.exchange.responseEnd(undefined);
    script.clock.advance(LIMITS.halfClosedMs - 1);
    if (ends === 'client') script.responseData('still there');
    else script.data('still there');
    script.take();
    script.clock.advance(LIMITS.halfClosedMs - 1);
    assert.deepEqual(script.take(), [], 'a word puts the end off');
    script.clock.advance(1);
    assert.deepEqual(script.take(), ['up1 cancel', 'down reset 8', 'left', 'done'], ends);
    assert.equal(script.clock.pending, 0);
  }
});

test('the server is not read while the client takes nothing, whoever says so', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), true);
  script.exchange.response(responseOf(200), false);
  script.take();
  script.exchange.downstreamStuck();
  script.exchange.downstreamDrained();
  assert.deepEqual(script.take(), ['up1 pause', 'up1 resume']);
  script.exchange.upstreamStuck();
  assert.deepEqual(script.take(), ['down pause 2']);
});
