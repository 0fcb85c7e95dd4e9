/**
 * Asks the identity service for a certificate as a proxy does: TLS with its name, no client certificate, no ALPN. Run inside the
 * lab's network. Reads one JSON request a line from stdin, `{address, anchors, identity, token, asked}` (`asked`: the name in the
 * signing request), and prints one answer a line: `{subject, issuer, hours}` or `{code, message}`.
 */
import { webcrypto, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { identity as api } from '#api/mesh';
import { createGrpcClient, GrpcError } from '#runtime/grpc';
import { x509 } from '#runtime/x509';

interface Request {
  address: string;
  anchors: string;
  identity: string;
  token: string;
  asked: string;
}

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const SERVER_NAME = 'linkerd-identity.linkerd.serviceaccount.identity.linkerd.cluster.local';

async function certify({ address, anchors, identity, token, asked }: Request): Promise<object> {
  const keys = (await webcrypto.subtle.generateKey(EC, false, ['sign', 'verify'])) as CryptoKeyPair;
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${asked}`,
    keys,
    signingAlgorithm: EC,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: asked }])],
  });
  const client = createGrpcClient({
    authority: 'linkerd-identity-headless.linkerd.svc.cluster.local.:8080',
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = tls.connect({ host: address, port: 8080, ca: anchors, servername: SERVER_NAME }, () =>
          resolve(socket),
        );
        socket.once('error', reject);
      }),
  });
  try {
    const answer = await client.unary(
      api.Identity.method.certify,
      { identity, token: Buffer.from(token), certificateSigningRequest: new Uint8Array(csr.rawData) },
      { timeoutMs: 10_000 },
    );
    const leaf = new X509Certificate(answer.leafCertificate);
    const issuer = answer.intermediateCertificates[0];
    if (!issuer || !leaf.verify(new X509Certificate(issuer).publicKey))
      throw new Error('the issuer did not sign the leaf');
    const hours = answer.validUntil ? (timestampMs(answer.validUntil) - Date.now()) / 3_600_000 : 0;
    return { names: leaf.subjectAltName, issuer: leaf.issuer, hours: Math.round(hours) };
  } catch (error) {
    const { code, message } = GrpcError.from(error);
    return { code, message };
  } finally {
    client.close();
  }
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await certify(JSON.parse(line) as Request)));
process.exit(0);
