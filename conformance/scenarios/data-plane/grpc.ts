/** gRPC as bytes, for clients and servers on the runtime's own HTTP/2. */
import type http2 from 'node:http2';

/** What every call has besides its path. */
export const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** A gRPC message: no compression, its length, its bytes. */
export function message(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Texts of whole messages; what is incomplete stays in `rest`. */
export function messages(bytes: Buffer): { texts: string[]; rest: Buffer } {
  const texts: string[] = [];
  let at = 0;
  while (at + 5 <= bytes.length && at + 5 + bytes.readUInt32BE(at + 1) <= bytes.length) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    texts.push(bytes.subarray(at + 5, end).toString());
    at = end;
  }
  return { texts, rest: bytes.subarray(at) };
}

/** Answers a call with one message and its status. */
export function reply(stream: http2.ServerHttp2Stream, text: string, status = 0): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
  stream.end(message(text));
}

/** Answers a call with its status alone, in the head of the response. */
export function refuse(stream: http2.ServerHttp2Stream, status: number, headers: http2.OutgoingHttpHeaders = {}): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), ...headers },
    { endStream: true },
  );
}
