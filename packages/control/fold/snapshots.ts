/** Streams of whole snapshots for one who asks alone; see {@link Answers} for questions that many ask. */
import type { DescMessage } from '@bufbuild/protobuf';
import type { ResponseStream } from '#runtime/grpc';
import { Answers, type Question } from './answers.ts';

/** Answers on `stream` until it closes. Throws what the first snapshot throws. */
export function streamSnapshots<O extends DescMessage>(
  schema: O,
  question: Question<O>,
  stream: ResponseStream<O>,
  coalesced: () => void,
): void {
  new Answers(schema, coalesced).serve('', () => question, stream);
}
