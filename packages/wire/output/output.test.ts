import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Output } from './index.ts';

const step = fc.record({
  output: fc.nat(2),
  bytes: fc.oneof(fc.nat(50), fc.nat(40_000), fc.integer({ min: 65_000, max: 69_000 })),
  kind: fc.constantFrom('add', 'text', 'apart', 'take', 'send'),
});

test('outputs that share memory give out what was put in, and never change what they gave before it is sent', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const outputs = [new Output(), new Output(), new Output()];
      const put = [0, 0, 0];
      const taken: Buffer[][] = [[], [], []];
      let value = 0;
      const expected: number[][] = [[], [], []];
      for (const { output: which, bytes, kind } of steps) {
        const output = outputs[which]!;
        if (kind === 'send') {
          const buf = output.take(1e9);
          if (buf !== undefined) taken[which]!.push(buf);
          taken[which] = taken[which]!.map((each) => Buffer.from(each));
          output.sent();
          continue;
        }
        if (kind === 'take') {
          const buf = output.take(bytes + 1);
          if (buf !== undefined) taken[which]!.push(buf);
          continue;
        }
        value = (value + 1) & 127;
        if (kind === 'text') output.text(String.fromCharCode(value).repeat(bytes));
        else {
          if (kind === 'apart') output.reserveApart(bytes);
          output.add(Buffer.alloc(bytes, value), 0, bytes);
        }
        put[which]! += bytes;
        expected[which]!.push(value, bytes);
      }
      for (const [which, output] of outputs.entries()) {
        const left = put[which]! - taken[which]!.reduce((sum, { length }) => sum + length, 0);
        assert.equal(output.length, left);
        for (let buf = output.take(1e9); buf !== undefined; buf = output.take(1e9)) taken[which]!.push(buf);
        const all: Buffer[] = [];
        for (let i = 0; i < expected[which]!.length; i += 2)
          all.push(Buffer.alloc(expected[which]![i + 1]!, expected[which]![i]!));
        assert.ok(Buffer.concat(taken[which]!).equals(Buffer.concat(all)));
      }
    }),
    { numRuns: 60 },
  );
});

test('memory is written to again once its bytes were sent, and not while another output has some of it', () => {
  const alone = new Output();
  const bytes = Buffer.alloc(66_000, 1);
  const memory = (): ArrayBufferLike => {
    alone.add(bytes, 0, bytes.length);
    return alone.take(1e9)!.buffer;
  };
  const first = memory();
  assert.ok(memory() !== first);
  alone.sent();
  const second = memory();
  alone.sent();
  assert.ok(memory() === second);
  alone.add(bytes, 0, 30_000);
  const part = alone.take(1e9)!;
  alone.sent();
  const other = new Output();
  other.add(Buffer.alloc(20_000, 2), 0, 20_000);
  assert.ok(part.equals(bytes.subarray(0, 30_000)));
});
