/**
 * The serving process: streams of endpoints that stay open, and a message to all of them when told. Speaks one JSON line a command
 * on standard input: `report` gives memory and CPU time so far, `push` sends one message to every stream.
 */
import { destination } from '#api/mesh';
import { createGrpcServer, encodeMessage, type ResponseStream } from '#runtime/grpc';
import { answerCommands } from '../worker.ts';
import { endpointsUpdate } from './message.ts';

const streams = new Set<ResponseStream<typeof destination.UpdateSchema>>();
const server = createGrpcServer({ onBug: (method, error) => console.error(method, error) });
server.serverStream(destination.Destination.method.get, (_request, stream) => {
  streams.add(stream);
  stream.onClose(() => streams.delete(stream));
  stream.write(endpointsUpdate(0));
});
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
let pushes = 0;
answerCommands({ port }, () => ({ streams: streams.size }), {
  push: () => {
    const message = encodeMessage(destination.UpdateSchema, endpointsUpdate(++pushes));
    for (const stream of streams) stream.writeEncoded(message);
  },
});
