import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fault } from '#model/faults';
import { RetryPolicy } from '#model/retry';
import { ExchangeScript, fieldOf, requestOf, responseOf } from './exchange.fake.ts';
import type { Exchange } from './exchange.ts';

/** What may happen to an exchange; an event that cannot happen now is left out. */
const event = fc.oneof(
  fc.constantFrom(
    'data',
    'end',
    'trailers',
    'abort',
    'drained',
    'attach',
    'unavailable',
    'fail-fast',
  ) as fc.Arbitrary<string>,
  fc.constantFrom('100', '200', '200 end', '503', '503 end', '101', '200 grpc-status: 14 end', 'body', 'body end'),
  fc.constantFrom(
    'body trailers',
    'lost',
    'lost again',
    'refused',
    'room',
    'full',
    'up-drained',
    '30ms',
    '200ms',
    '5000ms',
  ),
);

const request = fc.record({
  version: fc.constantFrom(10, 11, 20) as fc.Arbitrary<10 | 11 | 20>,
  method: fc.constantFrom('GET', 'POST', 'CONNECT'),
  upgrade: fc.constantFrom('', 'chat'),
  grpc: fc.boolean(),
  ends: fc.boolean(),
  attaches: fc.boolean(),
  delayMs: fc.constantFrom(0, 50),
  mirrors: fc.boolean(),
  retries: fc.boolean(),
  bounded: fc.boolean(),
});

const RETRY = new RetryPolicy({
  limit: 2,
  bytesMax: 8,
  perTryMs: 100,
  backoff: { minMs: 20, maxMs: 50, jitter: 0 },
  statuses: [{ from: 500, to: 599 }],
  grpcCodes: [14],
});

/** Plays events against an exchange, keeping to what each side may say when. */
class Player {
  readonly script: ExchangeScript;
  #requestEnded: boolean;
  /** What the sender that was attached last has said of its response. */
  #stage: 'none' | 'open' | 'head' | 'over' = 'none';
  #senders = 0;
  #tunnel = false;
  readonly #is20: boolean;

  constructor(script: ExchangeScript, ends: boolean, is20: boolean) {
    this.script = script;
    this.#requestEnded = ends;
    this.#is20 = is20;
  }

  play(name: string): void {
    const { script } = this;
    const { exchange } = script;
    if (script.senders.length !== this.#senders) {
      this.#senders = script.senders.length;
      this.#stage = 'open';
    }
    if (this.#isGone()) this.#stage = 'over';
    const [what = '', ...rest] = name.split(' ');
    if (/^\d+ms$/.test(what)) script.clock.advance(Number.parseInt(what, 10));
    else if (/^\d+$/.test(what)) this.#head(exchange, Number(what), rest);
    else if (what === 'body') this.#body(rest);
    else if (what === 'lost' || what === 'refused') this.#lost(exchange, what, rest);
    else this.#other(exchange, what);
  }

  /** The exchange has let go of the last sender. */
  #isGone(): boolean {
    const name = `up${this.#senders} `;
    return this.script.log.some((line) => line.startsWith(name) && /(release|cancel|discard)$/.test(line));
  }

  #head(exchange: Exchange, status: number, rest: readonly string[]): void {
    if (this.#stage !== 'open') return;
    const end = rest.at(-1) === 'end';
    if (status === 100) exchange.informational(responseOf(100));
    else if (status !== 101 || exchange.request.upgrade !== '') {
      this.#stage = end ? 'over' : 'head';
      this.#tunnel = status === 101 || (exchange.request.method === 'CONNECT' && status === 200);
      if (this.#tunnel && !this.#is20) this.#requestEnded = false;
      const fields = rest.length > 1 ? [rest.slice(0, -1).join(' ')] : [];
      exchange.response(responseOf(status, ...fields), end && !this.#tunnel);
    }
  }

  #body(rest: readonly string[]): void {
    if (this.#stage !== 'head') return;
    this.script.responseData('xyz');
    if (rest.length === 0 || this.#isGone()) return;
    this.#stage = 'over';
    this.script.exchange.responseEnd(rest[0] === 'trailers' ? [fieldOf('grpc-status: 14')] : undefined);
  }

  #lost(exchange: Exchange, what: string, rest: readonly string[]): void {
    if (this.#stage !== 'open' && this.#stage !== 'head') return;
    const began = this.#stage === 'head';
    this.#stage = 'over';
    const fault = new Fault(what === 'refused' ? 'stream-refused' : 'upstream-reset');
    exchange.lost(fault, began ? 'never' : what === 'refused' ? 'always' : rest.length > 0 ? 'if-idempotent' : 'never');
  }

  #other(exchange: Exchange, what: string): void {
    const { script } = this;
    if (what === 'data' && !this.#requestEnded) script.data('abc');
    else if ((what === 'end' || what === 'trailers') && !this.#requestEnded) {
      this.#requestEnded = true;
      exchange.end(what === 'end' ? undefined : [fieldOf('x-sum: 1')]);
    } else if (what === 'abort') exchange.abort('client-gone');
    else if (what === 'attach') script.attach();
    else if (what === 'unavailable') exchange.unavailable(new Fault('connect-refused'));
    else if (what === 'fail-fast') exchange.unavailable(new Fault('fail-fast'));
    else if (what === 'drained') exchange.downstreamDrained();
    else if (what === 'up-drained') exchange.upstreamDrained();
    else if (what === 'room' || what === 'full') script.room = what === 'room';
  }
}

test('whatever happens in whatever order, an exchange ends once, lets go of everything once, and says things in order', () => {
  fc.assert(
    fc.property(request, fc.array(event, { maxLength: 40 }), (given, events) => {
      const script = new ExchangeScript({}, given.version === 20 ? 20 : 11);
      script.attaches = given.attaches;
      const copies = new ExchangeScript();
      const lines = given.grpc ? ['content-type: application/grpc'] : [];
      const { version, method } = given;
      const upgrade = version === 11 && method === 'GET' ? given.upgrade : '';
      const ends = given.ends || (version < 20 && (method === 'CONNECT' || upgrade !== ''));
      script.begin(requestOf({ version, method, upgrade }, ...lines), ends, {
        retry: given.retries ? RETRY : undefined,
        timeouts: given.bounded ? { requestMs: 10_000, responseMs: 1_000, idleMs: 500, headMs: 2_000 } : undefined,
        dispatch: (exchange) => {
          exchange.upstream = script.upstream;
          exchange.delayMs = given.delayMs;
          if (given.mirrors)
            exchange.mirrorTo = [{ acquire: (copy) => copies.attachTo(copy), cancel: () => undefined }];
          return undefined;
        },
      });
      const player = new Player(script, ends, version === 20);
      for (const name of events) player.play(name);
      script.exchange.abort('client-gone');

      const { log } = script;
      assert.equal(log.filter((line) => line === 'done').length, 1);
      assert.equal(log.at(-1), 'done');
      assert.equal(script.side.inFlight, 0);
      const down = log.filter((line) => line.startsWith('down ')).map((line) => line.slice(5));
      const heads = down.filter((line) => /^\d/.test(line) && !line.startsWith('100'));
      assert.ok(heads.length <= 1, 'one final head');
      assert.ok(down.filter((line) => /^(end|reset)/.test(line)).length <= 1, 'one end');
      const firstData = down.findIndex((line) => line.startsWith('data'));
      assert.ok(firstData < 0 || down.findIndex((line) => heads.includes(line)) < firstData, 'data behind the head');
      assert.ok(log.filter((line) => line === 'left').length <= script.senders.length);
      for (let i = 1; i <= script.senders.length; i++) {
        const own = log.filter((line) => line.startsWith(`up${i} `)).map((line) => line.slice(line.indexOf(' ') + 1));
        assert.match(own[0] ?? 'none', /^(GET|POST|CONNECT) /, 'the head first');
        const over = own.findIndex((line) => /^(release|cancel|discard)$/.test(line));
        assert.ok(over < 0 || over === own.length - 1, `nothing behind the end: ${own}`);
        assert.ok(own.filter((line) => line.startsWith('end')).length <= 1, 'one end of the request');
      }
      copies.clock.advance(100_000);
      script.clock.advance(100_000);
      assert.equal(script.clock.pending, 0, 'no timer is left');
    }),
    { numRuns: 1_000 },
  );
});
