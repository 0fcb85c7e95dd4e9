import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDR, endpoint, PATH, PATIENT, profile, serve, usePair, Wire } from './testing/index.ts';

const pair = usePair({ env: PATIENT });

const get = async (): Promise<string> =>
  (await Wire.ask(pair.client.outboundPort, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP[\s\S]*?\r\n\r\n\w*/))[0];

test('a request waits for an endpoint that is gone, and has it when it comes back', async () => {
  pair.client.mesh.profile(ADDR).set(profile({ fqn: 'web.a.svc.cluster.local' }));
  const web = (body: string, port = 0) =>
    serve(
      (socket) => socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n${body}`)),
      port,
    );
  const first = await web('first');
  const { port } = first;
  pair.client.mesh.destination(PATH).set({ kind: 'add', endpoints: [endpoint(port)] });
  assert.match(await get(), /first/);
  first.close();
  const waiting = get();
  await new Promise((resolve) => setTimeout(resolve, 150));
  const again = await web('again', port);
  assert.match(await waiting, /again/);
  again.close();
});
