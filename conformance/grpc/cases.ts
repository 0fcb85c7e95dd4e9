/** What both sides must agree on, whoever calls and whoever answers. */

/** A text, or one repeated. */
type Request = string | { readonly text: string; readonly times: number };

export interface Call {
  readonly method: 'Say' | 'Watch' | 'Gather' | 'Chat' | 'Missing';
  readonly requests: readonly Request[];
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The caller gives up after this many messages. */
  readonly cancelAfter?: number;
  /** So many such calls at once, on one connection. */
  readonly parallel?: number;
}

export interface Outcome {
  /** Long ones as `N characters`. */
  readonly messages: readonly string[];
  readonly code: string;
  readonly text: string;
}

export interface Case {
  readonly name: string;
  readonly call: Call;
  readonly code?: string;
  readonly messages?: readonly string[];
  /** Absent: whatever the library says. */
  readonly text?: string;
  /** The server must have seen this many calls given up, by this case. */
  readonly noticed?: number;
}

const ODD_TEXT = 'Kühe: 100 %\n%41 no';
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
/** Messages are bounded by 4 MiB on both sides. */
const LARGE = 4_000_000;
const TOO_LARGE = 5_000_000;

export const CASES: readonly Case[] = [
  { name: 'a unary call', call: { method: 'Say', requests: ['grüß dich'] }, messages: ['grüß dich'] },
  { name: 'an empty message', call: { method: 'Say', requests: [''] }, messages: [''] },
  {
    name: 'an error, its code and its text',
    call: { method: 'Say', requests: [`fail FAILED_PRECONDITION ${ODD_TEXT}`] },
    code: 'FAILED_PRECONDITION',
    text: ODD_TEXT,
  },
  { name: 'an unknown method', call: { method: 'Missing', requests: [''] }, code: 'UNIMPLEMENTED' },
  {
    name: 'a large request and answer',
    call: { method: 'Say', requests: [{ text: 'x', times: LARGE }] },
    messages: [`${LARGE} characters`],
  },
  {
    name: 'a large answer',
    call: { method: 'Say', requests: [`big ${LARGE}`] },
    messages: [`${LARGE} characters`],
  },
  {
    name: 'a request that is too large',
    call: { method: 'Say', requests: [{ text: 'x', times: TOO_LARGE }] },
    code: 'RESOURCE_EXHAUSTED',
  },
  {
    name: 'an answer that is too large',
    call: { method: 'Say', requests: [`big ${TOO_LARGE}`] },
    code: 'RESOURCE_EXHAUSTED',
  },
  {
    name: 'metadata of the request',
    call: { method: 'Say', requests: ['meta weft-features'], metadata: { 'weft-features': 'delay,path-rewrite' } },
    messages: ['delay,path-rewrite'],
  },
  {
    name: 'the deadline of a unary call, on both sides',
    call: { method: 'Say', requests: ['sleep 10000'], timeoutMs: 200 },
    code: 'DEADLINE_EXCEEDED',
    noticed: 1,
  },
  {
    name: 'the deadline of a stream, on both sides',
    call: { method: 'Watch', requests: ['forever'], timeoutMs: 200 },
    messages: ['up'],
    code: 'DEADLINE_EXCEEDED',
    noticed: 1,
  },
  {
    name: 'a call within its deadline',
    call: { method: 'Say', requests: ['sleep 10'], timeoutMs: 10_000 },
    messages: ['slept'],
  },
  {
    name: 'a stream of answers',
    call: { method: 'Watch', requests: ['count 2000'] },
    messages: numbers(2000),
  },
  { name: 'a stream without answers', call: { method: 'Watch', requests: ['count 0'] }, messages: [] },
  {
    name: 'a stream that fails after some answers',
    call: { method: 'Watch', requests: [`failing 3 ABORTED ${ODD_TEXT}`] },
    messages: numbers(3),
    code: 'ABORTED',
    text: ODD_TEXT,
  },
  {
    name: 'far more answers than a window holds',
    call: { method: 'Watch', requests: ['flood 1000'] },
    messages: Array.from({ length: 1000 }, () => '10000 characters'),
  },
  {
    name: 'a stream that the caller gives up',
    call: { method: 'Watch', requests: ['forever'], cancelAfter: 1 },
    messages: ['up'],
    code: 'CANCELLED',
    noticed: 1,
  },
  {
    name: 'a stream of requests',
    call: { method: 'Gather', requests: [...numbers(500), { text: 'x', times: 300_000 }] },
    messages: ['501 messages, 301390 characters'],
  },
  { name: 'a stream of no requests', call: { method: 'Gather', requests: [] }, messages: ['0 messages, 0 characters'] },
  {
    name: 'streams both ways',
    call: { method: 'Chat', requests: [...numbers(500), { text: 'x', times: 1_000_000 }] },
    messages: [...numbers(500), '1000000 characters'],
  },
  {
    name: 'streams both ways, broken off by the server',
    call: { method: 'Chat', requests: ['a', 'b', `fail OUT_OF_RANGE ${ODD_TEXT}`] },
    messages: ['a', 'b'],
    code: 'OUT_OF_RANGE',
    text: ODD_TEXT,
  },
  {
    name: 'a hundred calls at once',
    call: { method: 'Say', requests: ['sleep 50'], parallel: 100 },
    messages: ['slept'],
  },
];
