import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { x509 } from '#runtime/x509';
import { startWebhookServer, type WebhookServer } from './server.ts';

const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u', operation: 'CREATE' },
});

let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-webhook-'));
  const keys = (await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=webhook',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeFileSync(join(folder, 'tls.crt'), certificate.toString('pem'));
  writeFileSync(
    join(folder, 'tls.key'),
    `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  );
});
after(() => rmSync(folder, { recursive: true }));

/** A server whose answers wait for `allow`. */
async function start() {
  const waiting: (() => void)[] = [];
  const server = await startWebhookServer({
    host: '127.0.0.1',
    port: 0,
    certificateFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    handle: () => new Promise((resolve) => waiting.push(() => resolve({ allowed: true }))),
  });
  return { server, waiting, allow: () => waiting.shift()?.() };
}

/** What a client sees: the status and the header `connection`, or the error's code. */
function ask({ port }: WebhookServer, agent: https.Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = https.request(
      { host: '127.0.0.1', port, method: 'POST', agent, rejectUnauthorized: false },
      (response) => {
        response.resume();
        response.on('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.end(REVIEW);
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !holds(); i += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(holds());
}

test('a server that retires goes on answering, and ends each connection with the answer', async () => {
  const { server, waiting, allow } = await start();
  const agent = new https.Agent({ keepAlive: true });
  const answered = async (answer: Promise<string>) => {
    await until(() => waiting.length === 1);
    allow();
    return answer;
  };
  assert.equal(await answered(ask(server, agent)), '200 keep-alive');
  const underWay = ask(server, agent);
  await until(() => waiting.length === 1);
  server.retire();
  assert.equal(await answered(underWay), '200 close');
  assert.equal(await answered(ask(server, agent)), '200 close');
  agent.destroy();
  await server.close();
});

test('a server that closes answers what was asked before, and takes no more', async () => {
  const { server, waiting, allow } = await start();
  const agent = new https.Agent();
  const answer = ask(server, agent);
  await until(() => waiting.length === 1);
  const closed = server.close();
  assert.equal(await ask(server, agent), 'ECONNREFUSED');
  allow();
  assert.equal(await answer, '200 close');
  await closed;
  agent.destroy();
});
