/** Streams of whole snapshots: the current one first, then each that differs, as fast as the proxy reads. */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { type EncodedMessage, encodeMessage, GrpcError, type ResponseStream } from '#runtime/grpc';

/** A question that is asked again whenever something it depends on changes. */
export interface Question<O extends DescMessage> {
  /** The answer now; `undefined`: none to give, what was sent stays. A GrpcError thrown ends the stream. */
  snapshot(): MessageInitShape<O> | undefined;
  /** Calls back after changes; returns stop functions. */
  follow(changed: () => void): (() => void)[];
}

/** Answers on `stream` until it closes. Throws what the first snapshot throws. */
export function streamSnapshots<O extends DescMessage>(
  schema: O,
  question: Question<O>,
  stream: ResponseStream<O>,
  coalesced: () => void,
): void {
  let last: EncodedMessage<O> | undefined;
  let dirty = false;
  const send = (): void => {
    dirty = false;
    const answer = question.snapshot();
    if (answer === undefined) return;
    const encoded = encodeMessage(schema, answer);
    if (last?.equals(encoded)) return;
    last = encoded;
    stream.writeEncoded(encoded);
  };
  const changed = (): void => {
    if (!stream.writable) {
      if (dirty) coalesced();
      dirty = true;
      return;
    }
    try {
      send();
    } catch (error) {
      stream.end(GrpcError.from(error));
    }
  };
  send();
  const stops = question.follow(changed);
  stream.onWritable(() => {
    if (dirty) changed();
  });
  stream.onClose(() => {
    for (const stop of stops) stop();
  });
}
