import assert from 'node:assert/strict';
import net, { type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { destination } from '#api/mesh';
import { createControlChannel } from './index.ts';

const ADDR = { host: 'linkerd-dst.linkerd.svc.cluster.local.', port: 8086 };

/** A channel to whatever listens on a port of loopback; `asked` says how often its address was distrusted. */
async function channelTo(port: number) {
  const { processDeps } = await import('../wiring.ts');
  const { testConfig, TestCa } = await import('../testing/index.ts');
  const name = 'web.a.serviceaccount.identity.linkerd.cluster.local';
  const deps = processDeps(testConfig(name, new TestCa().pem, { LOG: 'off' }));
  const seen = { distrusted: 0 };
  const nothing = (): void => undefined;
  const channel = createControlChannel(
    { addr: ADDR, name: undefined },
    {
      connectTimeoutMs: 500,
      keepaliveMs: undefined,
      userTimeoutMs: undefined,
      windows: { stream: 65_535, connection: 65_535 },
    },
    {
      ...deps,
      watch: { resolved: nothing, connected: nothing, failed: nothing, lost: nothing },
      context: () => assert.fail('no TLS here'),
      resolver: {
        resolve: async () => [{ host: '127.0.0.1', port }],
        distrust: (addr) => {
          assert.equal(addr, ADDR);
          seen.distrusted++;
        },
      },
    },
  );
  const ended = (): Promise<void> =>
    new Promise((resolve) => {
      channel.serverStream(destination.Destination.method.get, {}, { message: nothing, ended: () => resolve() });
    });
  return { channel, seen, ended };
}

test('where no address answers, or the one in use goes away, its next name lookup asks the name server', {
  timeout: 5_000,
}, async () => {
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', () => socket.destroy())));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { channel, seen, ended } = await channelTo((server.address() as AddressInfo).port);
  const first = ended();
  while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(seen.distrusted, 0);
  sockets[0]?.destroy();
  await first;
  while (seen.distrusted === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => server.close(resolve));
  await ended();
  assert.equal(seen.distrusted, 2, 'nobody listens any more');
  channel.close();
});
