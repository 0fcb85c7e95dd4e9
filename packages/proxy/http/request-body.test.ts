import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../limits.ts';
import type { Sender } from './contract.ts';
import { requestOf } from './exchange.fake.ts';
import { RequestBody } from './request-body.ts';

/** A body whose both ends write down what they are told. */
function script(method = 'POST'): { body: RequestBody; sender: (room?: boolean) => Sender; take: () => string[] } {
  const said: string[] = [];
  const body = new RequestBody({
    pause: (reason) => said.push(`pause ${reason}`),
    resume: (reason) => said.push(`resume ${reason}`),
  });
  body.begin(requestOf({ method }), false);
  const sender = (room = true): Sender => ({
    version: 11,
    reused: false,
    head: (_head, end) => said.push(end ? 'head end' : 'head'),
    data: (buf, start, end) => {
      said.push(Buffer.from(buf.subarray(start, end)).toString());
      return room;
    },
    end: () => said.push('end'),
    pause: () => undefined,
    resume: () => undefined,
    release: () => undefined,
    cancel: () => undefined,
  });
  return { body, sender, take: () => said.splice(0) };
}

const send = (body: RequestBody, text: string): void => body.data(Buffer.from(text), 0, text.length);

test('what comes before there is a sender waits for it, and for the next one too', () => {
  const { body, sender, take } = script();
  send(body, 'abc');
  body.sender = sender();
  assert.equal(body.start(requestOf()), true);
  send(body, 'def');
  assert.equal(body.end(undefined), true);
  assert.deepEqual(take(), ['head', 'abc', 'resume 1', 'def', 'end']);
  assert.ok(body.isRepeatable && body.isWholeWithin(6) && !body.isWholeWithin(5));
  body.detach();
  body.sender = sender();
  body.start(requestOf());
  assert.deepEqual(take(), ['head', 'abc', 'def', 'end', 'resume 1']);
});

test('only so much waits before its client is told to pause; behind a sender the rest is let go of instead', () => {
  const { body, sender, take } = script();
  body.keepUpTo(2 * LIMITS.replayBytesMax);
  const half = Buffer.alloc(LIMITS.replayBytesMax);
  body.data(half, 0, half.length);
  body.data(half, 0, half.length);
  assert.deepEqual(take(), []);
  send(body, 'x');
  assert.deepEqual(take(), ['pause 1']);
  assert.ok(body.keptBytes > LIMITS.replayBytesMax);
  body.sender = sender(false);
  body.start(requestOf());
  assert.deepEqual(
    take().filter((each) => !each.startsWith('\0')),
    ['head', 'x', 'pause 2', 'resume 1'],
  );
  assert.equal(body.isRepeatable, false);
  assert.equal(body.keptBytes, 0);
});

test('what may become a tunnel waits for consent, then passes and is not kept', () => {
  const { body, sender, take } = script('CONNECT');
  body.sender = sender();
  body.start(requestOf({ method: 'CONNECT' }));
  send(body, 'early');
  assert.deepEqual([take(), body.forgetSpare()], [['head', 'resume 1'], 0]);
  body.openTunnel(true);
  send(body, 'late');
  assert.deepEqual(take(), ['early', 'resume 1', 'late']);
  assert.ok(body.isTunnel && body.keptBytes === 0 && !body.isRepeatable);
});
