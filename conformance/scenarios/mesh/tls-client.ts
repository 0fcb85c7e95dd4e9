/**
 * A TLS client in the lab's network with a certificate of its choice. Reads JSON attempts from stdin, one a line,
 * `{address, port, serverName, alpn?, certificate?, key?}`; for each prints `{secured, answer?, error?}`: whether the handshake came to
 * its end here, the first bytes that came back for an HTTP request, and what ended the connection.
 */
import { createInterface } from 'node:readline';
import tls from 'node:tls';

interface Attempt {
  address: string;
  port: number;
  serverName: string;
  alpn?: string[];
  certificate?: string;
  key?: string;
}

const TIMEOUT_MS = 10_000;

function attempt({ address, port, serverName, alpn, certificate, key }: Attempt): Promise<object> {
  return new Promise((resolve) => {
    let secured = false;
    let error: string | undefined;
    const client = certificate && key ? { cert: certificate, key } : {};
    const names = { servername: serverName, ...(alpn && { ALPNProtocols: alpn }) };
    const socket = tls.connect({ host: address, port, rejectUnauthorized: false, ...names, ...client });
    const end = (answer?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ secured, ...(answer !== undefined && { answer }), ...(error !== undefined && { error }) });
    };
    const timer = setTimeout(() => {
      error = `nothing within ${TIMEOUT_MS} ms`;
      end();
    }, TIMEOUT_MS);
    socket.once('secureConnect', () => {
      secured = true;
      socket.write('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n');
    });
    socket.once('data', (bytes: Buffer) => end(bytes.toString('latin1').slice(0, 200)));
    socket.on('error', ({ message }) => {
      error = message;
    });
    socket.once('close', () => end());
  });
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await attempt(JSON.parse(line) as Attempt)));
process.exit(0);
