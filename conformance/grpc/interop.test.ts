/** Our gRPC and that of another maker understand each other, whichever calls. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../harness/index.ts';
import {
  type Caller,
  type EchoServer,
  startOwnCaller,
  startOwnServer,
  startPythonCaller,
  startPythonServer,
} from './callers.ts';
import { CASES } from './cases.ts';

const NOTICE_TIMEOUT_MS = 5_000;

const PAIRS = [
  { name: 'our client, Python server', caller: startOwnCaller, server: startPythonServer },
  { name: 'Python client, our server', caller: startPythonCaller, server: startOwnServer },
  { name: 'our client, our server', caller: startOwnCaller, server: startOwnServer },
] as const;

for (const pair of PAIRS) {
  let caller: Caller;
  let server: EchoServer;
  before(async () => {
    caller = await pair.caller();
    server = await pair.server();
  });
  after(async () => {
    await caller?.close();
    await server?.close();
  });
  const noticed = async (): Promise<number> => {
    const { messages } = await caller.call(server.port, { method: 'Say', requests: ['noticed'] });
    return Number(messages[0]);
  };

  for (const { name, call, code = 'OK', messages = [], text, noticed: givenUp } of CASES)
    test(`${pair.name}: ${name}`, async () => {
      const before = givenUp === undefined ? 0 : await noticed();
      const outcome = await caller.call(server.port, call);
      assert.deepEqual({ code: outcome.code, messages: outcome.messages }, { code, messages }, outcome.text);
      if (text !== undefined) assert.equal(outcome.text, text);
      if (givenUp === undefined) return;
      await eventually('the server sees that the call was given up', NOTICE_TIMEOUT_MS, async () =>
        (await noticed()) === before + givenUp ? true : undefined,
      );
    });

  test(`${pair.name}: a server that drains finishes what is under way and sends callers elsewhere`, async () => {
    const old = await pair.server();
    const next = await pair.server();
    try {
      const slow = caller.call(old.port, { method: 'Say', requests: ['sleep 600'], timeoutMs: 10_000 });
      await sleep(200);
      const drained = old.drain();
      assert.deepEqual(await slow, { messages: ['slept'], code: 'OK', text: '' });
      await drained;
      const late = await caller.call(old.port, { method: 'Say', requests: ['late'], timeoutMs: 5_000 });
      assert.equal(late.code, 'UNAVAILABLE', late.text);
      const elsewhere = await caller.call(next.port, { method: 'Say', requests: ['hello'] });
      assert.deepEqual(elsewhere.messages, ['hello']);
    } finally {
      await next.close();
      await old.close();
    }
  });
}
