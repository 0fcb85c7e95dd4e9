import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HTTP2_ERROR } from '#wire/http2';
import { LIMITS } from '../limits.ts';
import { eventually, H2Peer, serveH2, TestCa, testConfig } from '../testing/index.ts';
import { hop, SETTINGS } from './h2-hop.fake.ts';
import { http2ClientSettings, http2ServerSettings } from './h2-settings.ts';

const ca = new TestCa();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

test('the environment bounds resets and what waits to be sent, for each side by itself', () => {
  const config = testConfig('a.b', ca.pem, {
    INBOUND_SERVER_HTTP2_MAX_PENDING_ACCEPT_RESET_STREAMS: '20',
    INBOUND_SERVER_HTTP2_MAX_SEND_BUF_SIZE: '400000',
    OUTBOUND_SERVER_HTTP2_MAX_SEND_BUF_SIZE: '1',
  });
  const shown = (['inbound', 'outbound'] as const).map((side) => {
    const { untakenResetsMax, sendBytesMax } = http2ServerSettings(config, side).codec;
    return [untakenResetsMax, sendBytesMax];
  });
  assert.deepEqual(shown, [
    [20, 400_000],
    [undefined, 1],
  ]);
});

test('discovery says how much may wait towards an endpoint, and of how many streams the resets', () => {
  const config = testConfig('a.b', ca.pem, {});
  const params = {
    keepAlive: undefined,
    windows: undefined,
    adaptiveWindows: false,
    maxFrameSize: undefined,
    maxConcurrentResetStreams: 7,
    maxSendBufBytes: 1_000,
  };
  const { codec, abandonedMax } = http2ClientSettings(config, params);
  assert.deepEqual([codec.sendBytesMax, abandonedMax], [1_000, 7]);
});

test('more requests reset before they are looked at than is set end the connection', async () => {
  const app = await serveH2((seen) => seen.stream.respond(200, [], true));
  const proxy = await hop(app.port, { server: { ...SETTINGS, codec: { ...SETTINGS.codec, untakenResetsMax: 20 } } });
  const client = await H2Peer.connect(proxy.port);
  closers.push(
    () => client.close(),
    () => proxy.close(),
    () => app.close(),
  );
  const resetMany = (count: number) => {
    for (let i = 0; i < count; i++) client.request().stream.reset(HTTP2_ERROR.CANCEL);
  };
  resetMany(20);
  const answered = client.request();
  await eventually(() => answered.response?.status === 200, 'the next request is answered');
  resetMany(21);
  await eventually(() => client.closed, 'the connection ends');
  assert.equal(client.goaway?.code, HTTP2_ERROR.ENHANCE_YOUR_CALM);
  assert.equal(proxy.refused.length, 1);
});

test('past the number that discovery says, resets of given up requests wait no longer', async () => {
  const app = await serveH2(() => undefined);
  const proxy = await hop(app.port, { client: { ...SETTINGS, abandonedMax: 5 } });
  const client = await H2Peer.connect(proxy.port);
  closers.push(
    () => client.close(),
    () => proxy.close(),
    () => app.close(),
  );
  const asked = Array.from({ length: LIMITS.http2ResetsBurst + 5 }, () => client.request());
  await eventually(() => app.peers[0]?.streams.length === asked.length, 'all are under way');
  for (const { stream } of asked) stream.reset(HTTP2_ERROR.CANCEL);
  const resets = () => app.peers[0]?.streams.filter(({ resetCode }) => resetCode !== undefined).length;
  await eventually(() => resets() === LIMITS.http2ResetsBurst, 'the first resets come at once');
  await sleep(20);
  assert.equal(resets(), LIMITS.http2ResetsBurst, 'the others wait');
  const one = client.request();
  await eventually(() => app.peers[0]?.streams.length === asked.length + 1, 'one more is under way');
  one.stream.reset(HTTP2_ERROR.CANCEL);
  // The connection is left, and nobody else uses it.
  await eventually(() => resets() === asked.length + 1, 'all are reset');
  await eventually(() => app.peers[0]?.closed === true, 'the connection ends');
});
