/** Applications and clients of both versions of HTTP that do to each other what scripts say, and look at every octet that comes. */
export { type ChaosApp, startApp } from './app.fake.ts';
export { type BytesApp, randomBytesScript, runBytes, startBytesApp } from './bytes.fake.ts';
export { type ChaosClient, type Ended, Http1ChaosClient, Http2ChaosClient } from './clients.fake.ts';
export { randomScript, type Script } from './script.fake.ts';
