/**
 * A plain Duplex around a socket. Bun's http2 client refuses a TLS socket that negotiated no ALPN, which is how mesh
 * proxies reach their control plane; a stream that is no TLSSocket passes.
 */
import { Duplex } from 'node:stream';

/** Wraps `socket`; both end, fail and pause together. */
export function plainDuplex(socket: Duplex): Duplex {
  const duplex = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk, _encoding, done) {
      if (socket.write(chunk)) done();
      else socket.once('drain', done);
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy(error ?? undefined);
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.on('end', () => duplex.push(null));
  socket.on('error', (error) => duplex.destroy(error));
  socket.on('close', () => duplex.destroy());
  return duplex;
}
