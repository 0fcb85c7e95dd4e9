/** What tests of proxies share: a certificate authority, scripted control planes, whole proxies on loopback, clients to wait on. */
export * from './control-plane.fake.ts';
export { fieldsOf, H2Peer, type SeenStream, serveH2 } from './h2-peer.fake.ts';
export * from './harness.fake.ts';
export { ADDR, CLIENT, PATH, type Pair, SERVER, usePair } from './pair.fake.ts';
export { TestCa } from './test-ca.fake.ts';
