import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '#model/faults';
import { LIMITS } from '../limits.ts';
import { ExchangeScript, fieldOf, requestOf, responseOf } from './exchange.fake.ts';

/** A script whose plan is known late, and whose requests are copied; `copies` is what the copy's server got. */
function mirrored() {
  const script = new ExchangeScript();
  const copies = new ExchangeScript();
  const target = { acquire: (copy: typeof script.exchange) => copies.attachTo(copy), cancel: () => undefined };
  const plan = {
    timeouts: undefined,
    retry: undefined,
    allowsRequestHeaders: false,
    dispatch: (exchange: typeof script.exchange) => {
      exchange.upstream = script.upstream;
      exchange.mirrorTo = [target];
      return undefined;
    },
  };
  return { script, copies, plan };
}

test('a copy has what came of the body before it was known where the request goes', () => {
  for (const whole of [true, false]) {
    const { script, copies, plan } = mirrored();
    script.exchange.begin(requestOf({ method: 'POST', contentLength: 6 }), false, { route: () => undefined });
    script.data('abc');
    if (whole) {
      script.data('def');
      script.exchange.end([fieldOf('x-sum: 1')]);
    }
    script.exchange.decided(plan);
    if (!whole) {
      script.data('def');
      script.exchange.end([fieldOf('x-sum: 1')]);
    }
    assert.deepEqual(copies.take(), ['up1 POST web/', 'up1 data abc', 'up1 data def', 'up1 end x-sum=1']);
  }
});

test('what may become a tunnel is not copied: nobody would end the copy', () => {
  for (const head of [requestOf({ upgrade: 'websocket' }), requestOf({ method: 'CONNECT' })]) {
    const { script, copies, plan } = mirrored();
    script.exchange.begin(head, true, { route: () => plan });
    assert.deepEqual(copies.take(), []);
  }
});

test('a tunnel whose server has nothing to say at all ends when the client has ended', () => {
  const script = new ExchangeScript({}, 20);
  script.begin(requestOf({ version: 20, method: 'CONNECT' }), false);
  script.take();
  script.exchange.response(responseOf(200), true);
  assert.deepEqual(script.take(), ['responded 200', 'down 200', 'down end']);
  script.exchange.end(undefined);
  assert.deepEqual(script.take(), ['up1 end', 'up1 release', 'left', 'done']);
  assert.equal(script.side.inFlight, 0);
});

test('a request that a stale connection lost counts once where its plan sent it', () => {
  const script = new ExchangeScript();
  script.begin(requestOf(), true, {
    dispatch: (exchange) => {
      exchange.upstream = script.upstream;
      exchange.scopes.push(script.scope('backend'));
      return undefined;
    },
  });
  script.exchange.lost(new Fault('upstream-reset'), 'if-idempotent');
  script.exchange.response(responseOf(200), true);
  const counted = script.take().filter((line) => line.startsWith('backend'));
  assert.deepEqual(counted, ['backend started', 'backend ended 200 well']);
});

test('a request that breaks each shared connection it is sent on is given up', () => {
  const script = new ExchangeScript();
  script.senderVersion = 20;
  script.begin(requestOf(), true);
  for (let i = 0; i < 100 && script.exchange.open; i++)
    script.exchange.lost(new Fault('upstream-reset'), 'if-idempotent');
  assert.equal(script.senders.length, LIMITS.connectAttemptsMax);
  assert.equal(script.side.inFlight, 0);
});

test('a length where there can be no body is not passed on', () => {
  const length = 'content-length: 5';
  const answered = (status: number, method: string, version: 11 | 20 = 20): string[] => {
    const script = new ExchangeScript({}, version);
    script.begin(requestOf({ version, method }), version < 20).take();
    const head = responseOf(status, length);
    head.contentLength = 5;
    if (status < 200) script.exchange.informational(head);
    else script.exchange.response(head, status === 204);
    return script.take().filter((line) => line.startsWith('down'));
  };
  assert.deepEqual(answered(204, 'GET'), ['down 204 end']);
  assert.deepEqual(answered(103, 'GET'), ['down 103']);
  assert.deepEqual(answered(200, 'CONNECT', 11), ['down 200']);
  assert.deepEqual(answered(200, 'HEAD'), ['down 200 content-length=5']);
});
