import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { encodeGrpcMessage } from '#wire/grpc';

declare const framed: unique symbol;
/** A message as it stands on the wire, with its prefix. Must not be changed; any number of streams may send it. */
export type EncodedMessage<O extends DescMessage> = Buffer & { readonly [framed]: O };

/** Encodes a message once for all streams that shall carry it. Equal bytes are equal messages. */
export function encodeMessage<O extends DescMessage>(schema: O, message: MessageInitShape<O>): EncodedMessage<O> {
  return encodeGrpcMessage(toBinary(schema, create(schema, message))) as EncodedMessage<O>;
}
