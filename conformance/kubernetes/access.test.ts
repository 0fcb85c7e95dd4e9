/** Who may do what, as kubectl shows it: roles, tokens, impersonation, reviews. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeNodesCluster, startFakeNodesCluster } from './cluster.ts';

let cluster: FakeNodesCluster;
before(async () => {
  cluster = await startFakeNodesCluster();
});
after(async () => {
  await cluster.close();
});

const k = (command: string, input?: string): Promise<string> => cluster.kubectl(command, input);

test('the administrator is known by certificate and may do everything', async () => {
  assert.match(await k('auth whoami'), /Username +kubernetes-admin/);
  assert.equal(await k('auth can-i delete nodes'), 'yes\n');
  assert.match(await k('version'), /Server Version: v1\.34\.4\+weft/);
});

test('a role binding gives an account what its role says, and no more', async () => {
  await k('create serviceaccount bot');
  const as = '--as=system:serviceaccount:default:bot';
  assert.equal((await cluster.tryKubectl(`auth can-i list pods ${as}`)).stdout, 'no\n');
  await k('create role pods --verb=get,list --resource=pods');
  await k('create rolebinding pods --role=pods --serviceaccount=default:bot');
  assert.equal(await k(`auth can-i list pods ${as}`), 'yes\n');
  assert.equal((await cluster.tryKubectl(`auth can-i delete pods ${as}`)).stdout, 'no\n');
  assert.equal((await cluster.tryKubectl(`auth can-i list pods -A ${as}`)).stdout, 'no\n');
  assert.match(await k(`auth can-i --list ${as}`), /^pods +\[\] +\[\] +\[get list\]$/m);
  await k(`get pods ${as}`);
  const { stderr } = await cluster.tryKubectl(`get secrets ${as}`);
  assert.equal(
    stderr.trim(),
    'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:default:bot" cannot list resource "secrets" in API group "" in the namespace "default"',
  );
});

test('a token from the account works as bearer token and is for its audience only', async () => {
  const token = (await k('create token bot --duration=10m')).trim();
  const bare = '--kubeconfig=/dev/null --insecure-skip-tls-verify';
  const server = (await k("config view --minify -o jsonpath='{.clusters[0].cluster.server}'")).trim();
  const whoami = await k(
    `${bare} --server=${server} --token=${token} auth whoami -o jsonpath='{.status.userInfo.username}'`,
  );
  assert.equal(whoami, 'system:serviceaccount:default:bot');
  const foreign = (await k('create token bot --audience=elsewhere')).trim();
  const { code, stderr } = await cluster.tryKubectl(`${bare} --server=${server} --token=${foreign} get pods`);
  assert.notEqual(code, 0);
  assert.match(stderr, /You must be logged in to the server|Unauthorized/);
  const short = await cluster.tryKubectl('create token bot --duration=1m');
  assert.match(short.stderr, /may not specify a duration less than 10 minutes/);
});

test('a Secret of an account is filled with its token, the authority and the namespace', async () => {
  await k(
    'apply -f -',
    'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\nmetadata: {name: bot, annotations: {kubernetes.io/service-account.name: bot}}\n',
  );
  await cluster.waitFor("get secret bot -o jsonpath='{.data.namespace}'", 'ZGVmYXVsdA==');
  assert.match(await k('describe secret bot'), /ca\.crt: +\d+ bytes/);
});
