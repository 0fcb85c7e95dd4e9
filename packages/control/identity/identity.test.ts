import assert from 'node:assert/strict';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { KubeObject } from '#api/kube';
import { identity as api } from '#api/mesh';
import { systemClock } from '#runtime/clock';
import { createGrpcClient, createGrpcServer, type GrpcError } from '#runtime/grpc';
import { x509 } from '#runtime/x509';
import { Credentials, createCertify, createTrustStreams, readCertificates, readIssuer } from './index.ts';

const HOUR = 3_600_000;
/** X.509 counts whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const;
const domain = { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' };
const WEB = 'web.a.serviceaccount.identity.linkerd.cluster.local';

interface Ca {
  certificate: InstanceType<typeof x509.X509Certificate>;
  keys: CryptoKeyPair;
  pem: string;
  keyPem: string;
}

async function makeCa(
  name: string,
  parent?: Ca,
  options: { days?: number; ca?: boolean; rsa?: boolean } = {},
): Promise<Ca> {
  const keys = (await webcrypto.subtle.generateKey(options.rsa ? RSA : EC, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01',
    subject: `CN=${name}`,
    issuer: parent?.certificate.subjectName ?? `CN=${name}`,
    notBefore: new Date(NOW - HOUR),
    notAfter: new Date(NOW + (options.days ?? 365) * 24 * HOUR),
    publicKey: keys.publicKey,
    signingKey: (parent ?? { keys }).keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256', ...(options.rsa && !parent ? RSA : {}) },
    extensions: [new x509.BasicConstraintsExtension(options.ca ?? true, undefined, true)],
  });
  const keyPem = await keyPemOf(keys);
  return { certificate, keys, pem: certificate.toString('pem'), keyPem };
}

async function keyPemOf(keys: CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

async function makeCsr(options: {
  dns?: string[];
  cn?: string;
  extra?: { type: 'email' | 'url'; value: string }[];
  rsa?: boolean;
}) {
  const keys = (await webcrypto.subtle.generateKey(options.rsa ? RSA : EC, true, ['sign', 'verify'])) as CryptoKeyPair;
  const names = [...(options.dns ?? []).map((value) => ({ type: 'dns' as const, value })), ...(options.extra ?? [])];
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: options.cn === undefined ? '' : `CN=${options.cn}`,
    keys,
    signingAlgorithm: options.rsa ? RSA : { name: 'ECDSA', hash: 'SHA-256' },
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return { der: new Uint8Array(csr.rawData), keys };
}

let root: Ca;
let issuerCa: Ca;
before(async () => {
  root = await makeCa('root.linkerd.cluster.local');
  issuerCa = await makeCa('identity.linkerd.cluster.local', root, { days: 30 });
});

/** A TokenReview that knows the tokens `<namespace>/<name>`; `old` tokens only without an audience. */
function reviewer() {
  const asked: unknown[] = [];
  return {
    asked,
    create: async <T extends KubeObject>(_: unknown, object: T): Promise<T> => {
      const { token, audiences } = (object as unknown as { spec: { token: string; audiences?: string[] } }).spec;
      asked.push(audiences);
      const answer = (status: object) => ({ ...object, status }) as T;
      if (token === 'down') throw new Error('connection refused');
      if (token === 'broken') return answer({ error: 'lookup failed' });
      if (token.startsWith('old:') && audiences) return answer({ error: 'token audiences ["a"] is invalid' });
      if (token === 'forged') return answer({ authenticated: false });
      if (token === 'person') return answer({ authenticated: true, user: { username: 'jane' } });
      return answer({
        authenticated: true,
        user: { username: `system:serviceaccount:${token.replace('old:', '').replace('/', ':')}` },
      });
    },
  };
}

function setUp(
  options: { issuer?: Ca | null; anchors?: Ca[]; lifetimeMs?: number; chain?: string; nowMs?: number } = {},
) {
  const anchors = (options.anchors ?? [root]).flatMap((ca) => readCertificates(ca.pem));
  const ca = options.issuer === undefined ? issuerCa : options.issuer;
  const issuer = ca
    ? readIssuer(
        { certificate: options.chain ?? ca.pem, key: ca.keyPem },
        (ca === issuerCa ? [root] : [ca]).flatMap((each) => readCertificates(each.pem)),
        NOW,
      )
    : undefined;
  const events: string[] = [];
  const kube = reviewer();
  const certify = createCertify(
    {
      kube,
      issuer: () => issuer,
      roots: () => anchors,
      wallMs: () => options.nowMs ?? NOW,
      events: {
        issued: (identity, until) => events.push(`issued ${identity} ${until.toISOString()}`),
        issuerUpdated: () => events.push('updated'),
        issuerSkipped: (reason) => events.push(`skipped ${reason}`),
        issuerInvalid: (reason) => events.push(`invalid ${reason}`),
        rootsUpdated: () => {},
        rootsSkipped: () => {},
      },
    },
    { domain, lifetimeMs: options.lifetimeMs ?? 24 * HOUR, skewMs: 20_000 },
  );
  return { certify, events, kube };
}

async function request(token = 'a/web', identity = WEB, csr?: Uint8Array) {
  const der = csr ?? (await makeCsr({ dns: [identity], cn: identity })).der;
  return create(api.CertifyRequestSchema, { identity, token: Buffer.from(token), certificateSigningRequest: der });
}

const refusal = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'OK',
    (error: GrpcError) => error.code,
  );

test('signs a leaf for the identity that the token proves, valid 24 h and the skew', async () => {
  const { certify, events, kube } = setUp();
  const csr = await makeCsr({ dns: [WEB], cn: WEB });
  const answer = await certify(await request('a/web', WEB, csr.der));
  const leaf = new X509Certificate(answer.leafCertificate);
  assert.equal(leaf.subjectAltName, `DNS:${WEB}`);
  assert.equal(leaf.ca, false);
  assert.equal(Date.parse(leaf.validFrom), NOW - 20_000);
  assert.equal(Date.parse(leaf.validTo), NOW + 24 * HOUR + 20_000);
  assert.equal(timestampMs(answer.validUntil!), NOW + 24 * HOUR + 20_000);
  assert.ok(leaf.verify(new X509Certificate(issuerCa.pem).publicKey));
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.deepEqual(
    answer.intermediateCertificates.map((der) => new X509Certificate(der).subject),
    ['CN=identity.linkerd.cluster.local'],
  );
  assert.deepEqual(kube.asked, [['identity.l5d.io']]);
  assert.equal(events[0], `issued ${WEB} ${new Date(NOW + 24 * HOUR + 20_000).toISOString()}`);
});

test('repeats the very bytes of the issuer name, and marks the name critical where the subject is empty', async () => {
  const { certify } = setUp();
  const answer = await certify(await request('a/web', WEB, (await makeCsr({ dns: [WEB] })).der));
  const leaf = new x509.X509Certificate(answer.leafCertificate as Uint8Array<ArrayBuffer>);
  assert.deepEqual(
    Buffer.from(leaf.issuerName.toArrayBuffer()),
    Buffer.from(issuerCa.certificate.subjectName.toArrayBuffer()),
  );
  assert.equal(leaf.getExtension('2.5.29.17')?.critical, true);
});

test('counts serial numbers from 1', async () => {
  const { certify } = setUp();
  const serials = [];
  for (let i = 0; i < 2; i += 1)
    serials.push(new X509Certificate((await certify(await request())).leafCertificate).serialNumber);
  assert.deepEqual(serials, ['01', '02']);
});

test('ends leaves no later than the issuer', async () => {
  const { certify } = setUp({ lifetimeMs: 90 * 24 * HOUR });
  const leaf = new X509Certificate((await certify(await request())).leafCertificate);
  assert.equal(Date.parse(leaf.validTo), NOW + 30 * 24 * HOUR);
});

test('signs with an RSA issuer too, and sends the rest of its chain', async () => {
  const rsa = await makeCa('rsa.linkerd.cluster.local', undefined, { rsa: true });
  const { certify } = setUp({ issuer: rsa, anchors: [rsa], chain: rsa.pem + root.pem });
  const answer = await certify(await request());
  assert.ok(new X509Certificate(answer.leafCertificate).verify(new X509Certificate(rsa.pem).publicKey));
  assert.equal(answer.intermediateCertificates.length, 2);
});

test('accepts tokens without our audience from before projected volumes', async () => {
  const { certify, kube } = setUp();
  await certify(await request('old:a/web'));
  assert.deepEqual(kube.asked, [['identity.l5d.io'], undefined]);
});

test('refuses with the status code that the failure has', async () => {
  const { certify } = setUp();
  const csr = async (options: Parameters<typeof makeCsr>[0]) => request('a/web', WEB, (await makeCsr(options)).der);
  const tampered = (await makeCsr({ dns: [WEB] })).der;
  tampered[tampered.length - 1]! ^= 1;
  const cases: [string, Awaited<ReturnType<typeof request>>, string][] = [
    ['no identity', await request('a/web', ''), 'INVALID_ARGUMENT'],
    ['no token', await request(''), 'INVALID_ARGUMENT'],
    ['no request', await request('a/web', WEB, new Uint8Array()), 'INVALID_ARGUMENT'],
    ['a request without end', await request('a/web', WEB, new Uint8Array(8_193)), 'INVALID_ARGUMENT'],
    ['a token without end', await request('x'.repeat(16_385)), 'INVALID_ARGUMENT'],
    ['garbage for a request', await request('a/web', WEB, new Uint8Array([1, 2, 3])), 'INVALID_ARGUMENT'],
    ['a request signed by another key', await request('a/web', WEB, tampered), 'INVALID_ARGUMENT'],
    ['no name', await csr({}), 'FAILED_PRECONDITION'],
    ['another name', await csr({ dns: ['db.a.serviceaccount.identity.linkerd.cluster.local'] }), 'FAILED_PRECONDITION'],
    ['two names', await csr({ dns: [WEB, 'x.example'] }), 'FAILED_PRECONDITION'],
    ['another common name', await csr({ dns: [WEB], cn: 'root' }), 'FAILED_PRECONDITION'],
    [
      'a URI beside the name',
      await csr({ dns: [WEB], extra: [{ type: 'url', value: 'spiffe://x/y' }] }),
      'FAILED_PRECONDITION',
    ],
    [
      'an e-mail beside the name',
      await csr({ dns: [WEB], extra: [{ type: 'email', value: 'a@b.c' }] }),
      'FAILED_PRECONDITION',
    ],
    ['an RSA key', await csr({ dns: [WEB], rsa: true }), 'INTERNAL'],
    ['a token of another account', await request('a/db'), 'FAILED_PRECONDITION'],
    ['a forged token', await request('forged'), 'FAILED_PRECONDITION'],
    ['a person', await request('person'), 'INVALID_ARGUMENT'],
    ['a failing review', await request('broken'), 'INVALID_ARGUMENT'],
    ['an account with dots', await request('a/b.c'), 'INVALID_ARGUMENT'],
    ['an API server that is away', await request('down'), 'UNAVAILABLE'],
  ];
  for (const [what, message, code] of cases) assert.equal(await refusal(certify(message)), code, what);
});

test('without an issuer nothing is signed, and an issuer that expired is reported', async () => {
  assert.equal(await refusal(setUp({ issuer: null }).certify(await request())), 'UNAVAILABLE');
  const late = setUp({ nowMs: NOW + 31 * 24 * HOUR });
  assert.equal(await refusal(late.certify(await request())), 'UNKNOWN');
  assert.match(late.events[0] ?? '', /^invalid .*expired/);
});

test('reads only issuers that are a CA, have their key and an anchor', async () => {
  const anchors = readCertificates(root.pem);
  const notCa = await makeCa('leaf', root, { ca: false });
  const stranger = await makeCa('stranger');
  const read = (certificate: string, key: string) => () => readIssuer({ certificate, key }, anchors, NOW);
  assert.throws(read(notCa.pem, notCa.keyPem), /is not a CA/);
  assert.throws(read(issuerCa.pem, stranger.keyPem), /does not belong/);
  assert.throws(read(stranger.pem, stranger.keyPem), /no trust anchor/);
  assert.throws(read('', issuerCa.keyPem), /holds no PEM/);
  assert.throws(read(issuerCa.pem, 'x'), /key cannot be read/);
  const middle = await makeCa('middle', root);
  const below = await makeCa('below', middle);
  assert.equal(readIssuer({ certificate: below.pem + middle.pem, key: below.keyPem }, anchors, NOW).chain.length, 2);
  assert.throws(read(below.pem, below.keyPem), /no trust anchor/);
});

test('takes a new issuer from disk, and keeps the old one when the new is no good', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'issuer-'));
  const write = (ca: Ca) => {
    writeFileSync(join(folder, 'tls.crt'), ca.pem);
    writeFileSync(join(folder, 'tls.key'), ca.keyPem);
  };
  const events: string[] = [];
  const rootsFile = join(folder, 'ca-bundle.crt');
  writeFileSync(rootsFile, root.pem);
  write(issuerCa);
  const credentials = new Credentials({
    folder,
    scheme: 'kubernetes.io/tls',
    rootsFile,
    clock: systemClock,
    events: {
      issued: () => {},
      issuerInvalid: () => {},
      issuerUpdated: () => events.push('updated'),
      issuerSkipped: () => events.push('skipped'),
      rootsUpdated: (count) => events.push(`${count} roots`),
      rootsSkipped: (reason) => events.push(`roots skipped: ${reason}`),
    },
  });
  credentials.start();
  after(() => {
    credentials.stop();
    rmSync(folder, { recursive: true });
  });
  const subject = () => credentials.current?.chain[0]?.subject;
  assert.equal(subject(), 'CN=identity.linkerd.cluster.local');
  const changed = async (want: number) => {
    for (let i = 0; i < 200 && events.length < want; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  write(await makeCa('second', root));
  await changed(1);
  assert.equal(subject(), 'CN=second');
  write(await makeCa('stranger'));
  await changed(2);
  assert.equal(subject(), 'CN=second');
  assert.deepEqual(events, ['updated', 'skipped']);
});

/** Issuer and roots in a folder of their own. */
function onDisk(issuer: Ca, roots: Ca[]) {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  const rootsFile = join(folder, 'ca-bundle.crt');
  const writeIssuer = (ca: Ca) => {
    writeFileSync(join(folder, 'crt.pem'), ca.pem);
    writeFileSync(join(folder, 'key.pem'), ca.keyPem);
  };
  const writeRoots = (cas: Ca[]) => writeFileSync(rootsFile, cas.map(({ pem }) => pem).join('# next\n'));
  writeIssuer(issuer);
  writeRoots(roots);
  const events: string[] = [];
  const credentials = new Credentials({
    folder,
    scheme: 'linkerd.io/tls',
    rootsFile,
    clock: systemClock,
    events: {
      issued: () => {},
      issuerInvalid: () => {},
      issuerUpdated: () => events.push('issuer'),
      issuerSkipped: (reason) => events.push(`issuer skipped: ${reason}`),
      rootsUpdated: (count) => events.push(`${count} roots`),
      rootsSkipped: (reason) => events.push(`roots skipped: ${reason}`),
    },
  });
  credentials.start();
  after(() => {
    credentials.stop();
    rmSync(folder, { recursive: true });
  });
  return { credentials, events, writeIssuer, writeRoots, rootsFile };
}

test('new trust roots count while the service runs, and an issuer below one of them after that', async () => {
  const next = await makeCa('next.root');
  const below = await makeCa('below.next', next);
  const { credentials, events, writeIssuer, writeRoots } = onDisk(issuerCa, [root]);
  writeIssuer(below);
  credentials.reload();
  credentials.reload();
  assert.match(events.join(), /^issuer skipped: no trust anchor vouches[^,]*$/, 'said once');
  writeRoots([root, next]);
  credentials.reload();
  assert.deepEqual(events.slice(1), ['issuer', '2 roots'], 'what was skipped is tried again');
  assert.equal(credentials.current?.chain[0]?.subject, 'CN=below.next');
  writeRoots([next]);
  credentials.reload();
  assert.equal(credentials.roots.length, 1);
});

test('roots that do not vouch for the issuer, or are none, leave the old ones in place', async () => {
  const stranger = await makeCa('stranger.root');
  const { credentials, events, writeRoots, rootsFile } = onDisk(issuerCa, [root]);
  for (const write of [() => writeRoots([stranger]), () => writeRoots([]), () => rmSync(rootsFile)]) {
    write();
    credentials.reload();
    credentials.reload();
  }
  assert.equal(credentials.roots[0]?.subject, 'CN=root.linkerd.cluster.local');
  assert.equal(events.length, 3);
  assert.match(events[0] ?? '', /^roots skipped: no trust anchor vouches/);
  assert.match(events[1] ?? '', /^roots skipped: .*no PEM certificate/);
  assert.match(events[2] ?? '', /^roots skipped: .*ENOENT/);
});

test('a change of the roots is found on disk without being asked', async () => {
  const next = await makeCa('next.root');
  const { credentials, writeRoots } = onDisk(issuerCa, [root]);
  writeRoots([root, next]);
  for (let i = 0; i < 200 && credentials.roots.length < 2; i += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(credentials.roots.length, 2);
});

test('proxies are told of the roots and the issuer at once, and of each change', async () => {
  const next = await makeCa('next.root');
  const below = await makeCa('below.next', next);
  const { credentials, writeIssuer, writeRoots } = onDisk(issuerCa, [root]);
  let followers = 0;
  const streams = createTrustStreams({
    credentials,
    followers: (change) => {
      followers += change;
    },
    coalesced: () => {},
  });
  const server = createGrpcServer();
  server.serverStream(api.Identity.method.watchTrust, (_, stream) => streams(stream));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = createGrpcClient({ authority: 'identity:8080', connect: () => dial(net.connect(port, '127.0.0.1')) });
  after(async () => {
    client.close();
    await server.close();
  });
  const heard: api.Trust[] = [];
  const cancel = client.serverStream(
    api.Identity.method.watchTrust,
    {},
    { message: (trust) => heard.push(trust), ended: () => {} },
  );
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 5_000 && !holds(); i += 1) await new Promise((resolve) => setTimeout(resolve, 2));
    assert.ok(holds());
  };
  const sha256 = (ca: Ca) => createHash('sha256').update(new X509Certificate(ca.pem).raw).digest('hex');
  const last = () => heard.at(-1);
  await until(() => heard.length === 1);
  assert.equal(Buffer.from(last()?.issuerSha256 ?? []).toString('hex'), sha256(issuerCa));
  assert.equal(followers, 1);
  writeRoots([root, next]);
  credentials.reload();
  await until(() => last()?.roots.length === 2);
  writeIssuer(below);
  credentials.reload();
  await until(() => Buffer.from(last()?.issuerSha256 ?? []).toString('hex') === sha256(below));
  assert.equal(last()?.renewWithinMs, 1_000);
  cancel();
  await until(() => followers === 0);
});

test('serves a proxy over gRPC, and the certificate is good for mutual TLS', async () => {
  const server = createGrpcServer();
  server.unary(api.Identity.method.certify, setUp().certify);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = createGrpcClient({
    authority: 'localhost.:8080',
    connect: () => dial(net.connect(port, '127.0.0.1')),
  });
  after(async () => {
    client.close();
    await server.close();
  });
  await assert.rejects(client.unary(api.Identity.method.certify, { identity: WEB }), /missing token/);
  const csr = await makeCsr({ dns: [WEB], cn: WEB });
  const answer = await client.unary(api.Identity.method.certify, await request('a/web', WEB, csr.der));
  const ders = [answer.leafCertificate, ...answer.intermediateCertificates];
  const credentials = {
    cert: ders.map((der) => new X509Certificate(der).toString()).join(''),
    key: await keyPemOf(csr.keys),
    ca: root.pem,
  };
  const peer = tls.createServer({ ...credentials, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.end(`hello ${socket.getPeerCertificate().subjectaltname}`);
  });
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  after(() => peer.close());
  const socket = tls.connect({ ...credentials, port: (peer.address() as AddressInfo).port, servername: WEB });
  const heard = await new Promise<string>((resolve, reject) => {
    socket.on('data', (data) => resolve(String(data)));
    socket.on('error', reject);
  });
  assert.equal(heard, `hello DNS:${WEB}`);
});

test('a client reaches the service over TLS without ALPN, as proxies do', async () => {
  const server = createGrpcServer();
  server.unary(api.Identity.method.certify, setUp().certify);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const cert = await makeCa('localhost');
  // Stands for the pod's own proxy: ends TLS and forwards in plain text.
  const front = tls.createServer({ cert: cert.pem, key: cert.keyPem }, (socket) => {
    const behind = net.connect(port, '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    socket.on('error', () => behind.destroy());
    behind.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const address = front.address() as AddressInfo;
  const client = createGrpcClient({
    authority: 'identity:8080',
    connect: () => dial(tls.connect({ port: address.port, rejectUnauthorized: false }), 'secureConnect'),
  });
  after(async () => {
    client.close();
    front.close();
    await server.close();
  });
  await assert.rejects(client.unary(api.Identity.method.certify, {}), /missing identity/);
});

function dial<S extends net.Socket>(socket: S, ready = 'connect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once(ready, () => resolve(socket));
    socket.once('error', reject);
  });
}
