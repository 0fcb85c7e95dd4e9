import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPolicy, serve, TestCa, TestProxy, Wire } from '../testing/index.ts';

test('inbound requests are written as configured, the proxy’s own answers too', async () => {
  const ca = new TestCa();
  const proxy = await TestProxy.start({
    name: 'web.a',
    ca,
    env: { ACCESS_LOG: '%REQ(:METHOD)% %URI% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %REQ(X-A)%' },
  });
  const app = await serve((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  });
  try {
    proxy.inboundDst = { ip: '127.0.0.1', port: app.port };
    proxy.mesh.port(app.port).set(openPolicy());
    const client = await Wire.connect(proxy.inboundPort);
    client.send('GET /a?b HTTP/1.1\r\nhost: web\r\nx-a: "quoted"\r\n\r\n');
    await client.expect(/ok$/);
    app.close();
    client.send('GET /gone HTTP/1.1\r\nhost: web\r\n\r\n');
    await client.expect(/ 502 /);
    assert.equal(proxy.accessLog[0], 'GET /a?b HTTP/1.1 200 via_upstream \\x22quoted\\x22\n');
    assert.match(proxy.accessLog[1] ?? '', /^GET \/gone HTTP\/1.1 502 \S+ -\n$/);
    assert.equal(proxy.accessLog.length, 2);
  } finally {
    app.close();
    await proxy.stop();
  }
});
