/** Cases of both versions in one form. */
import type { Face } from './faces.ts';
import * as http1 from './http1/case.ts';
import { HTTP1_CORPUS } from './http1/corpus/index.ts';
import { type RunOptions, runCase as runHttp1 } from './http1/run.ts';
import * as http2 from './http2/case.ts';
import { HTTP2_CORPUS } from './http2/corpus/index.ts';
import { runCase as runHttp2 } from './http2/run.ts';
import type { Verdict } from './verdict.ts';

export interface Probe {
  readonly id: string;
  run(face: Face, options: RunOptions): Promise<Verdict>;
}

const http1Probe = (each: http1.Case): Probe => ({
  id: each.id,
  run: (face, options) => runHttp1(each, face, options),
});
const http2Probe = (each: http2.Case): Probe => ({
  id: each.id,
  run: (face, options) => runHttp2(each, face, options),
});

/** A plain request of each version. */
export const PLAIN = {
  http1: http1Probe(http1.group('Plain', 'forward', [['plain', 'RFC 9112 3', http1.get()]])[0]!),
  http2: http2Probe(http2.group('Plain', 'forward', [['plain', 'RFC 9113 8.3.1', http2.get()]])[0]!),
};

/** Everything else. */
export const CORPUS = { http1: HTTP1_CORPUS.map(http1Probe), http2: HTTP2_CORPUS.map(http2Probe) };
