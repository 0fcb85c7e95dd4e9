/** logs, exec, attach and port-forward by kubectl against a pod whose node is played by the test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import type { PodRuntime } from '#lab/contract';
import { type LoopbackServer, startLoopbackServer } from '../../packages/lab/apiserver/loopback.fake.ts';
import { eventually, type Result, requireProgram, run } from '../harness/index.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };

let server: LoopbackServer;
let folder: string;
let env: Record<string, string>;

/** A node that echoes: exec runs what the command says, port 7777 answers with what it hears. */
const runtime: PodRuntime = {
  logs: async (_pod, { follow, tailLines }, write, signal) => {
    const lines = ['one', 'two', 'three'].slice(-(tailLines ?? 3));
    write(Buffer.from(`${lines.join('\n')}\n`));
    if (!follow) return;
    for (let at = 0; at < 3 && !signal.aborted; at++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      write(Buffer.from(`more ${at}\n`));
    }
  },
  exec: async (_pod, { command }, io) => {
    if (command[0] === 'exit') return { exitCode: Number(command[1]) };
    if (command[0] === 'cat' && io.stdin) for await (const chunk of io.stdin) io.stdout(chunk as Uint8Array);
    else io.stdout(Buffer.from(`${command.join(' ')}\n`));
    io.stderr(Buffer.from('to stderr\n'));
    return { exitCode: 0 };
  },
  attach: async (_pod, _options, io) => {
    io.stdout(Buffer.from('attached\n'));
    return { exitCode: 0 };
  },
  dial: (_pod, port) =>
    new Promise((resolve, reject) => {
      if (port !== 7777) reject(new Error(`connect: connection refused on port ${port}`));
      else {
        const socket = connect(echoPort, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
      }
    }),
};

const echo = createServer((socket) => socket.pipe(socket));
let echoPort = 0;

before(async () => {
  requireProgram('kubectl', 'kubectl >= 1.28');
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  echoPort = (echo.address() as AddressInfo).port;
  server = await startLoopbackServer({ deps: { podRuntime: () => runtime } });
  folder = mkdtempSync(join(tmpdir(), 'weft-streams-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.adminKubeconfig('test', `https://127.0.0.1:${server.port}`), { mode: 0o600 });
  env = { KUBECONFIG: kubeconfig, HOME: folder };
  const accounts = { group: '', version: 'v1', resource: 'serviceaccounts' };
  await server.client.create(accounts, { metadata: { name: 'default', namespace: 'default' } });
  for (const name of ['one', 'two']) {
    const containers = [{ name: 'main', image: 'i' }, ...(name === 'two' ? [{ name: 'side', image: 'i' }] : [])];
    const pod = await server.client.create<AnyObject>(PODS, {
      metadata: { name, namespace: 'default' },
      spec: { containers },
    });
    await server.client.bind({ name, namespace: 'default' }, 'node');
    const bound = await server.client.get<AnyObject>(PODS, name, 'default');
    const containerStatuses = containers.map((one) => ({
      name: one.name,
      image: 'i',
      imageID: 'i',
      ready: true,
      restartCount: 0,
      state: { running: {} },
    }));
    const status = { ...(pod['status'] as object), phase: 'Running', containerStatuses };
    await server.client.update<AnyObject>(PODS, { ...bound, status }, 'status');
  }
});

after(async () => {
  await server.close();
  echo.close();
  rmSync(folder, { recursive: true, force: true });
});

const kubectl = (args: string[], input?: string, extra: Record<string, string> = {}): Promise<Result> =>
  run('kubectl', args, { env: { ...env, ...extra }, timeoutMs: 20_000, ...(input !== undefined && { input }) });

/** kubectl speaks WebSocket by default; this makes it speak SPDY. */
const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' };

test('logs are shown, cut and followed to their end', async () => {
  assert.equal((await kubectl(['logs', 'one'])).stdout, 'one\ntwo\nthree\n');
  assert.equal((await kubectl(['logs', 'one', '--tail=1'])).stdout, 'three\n');
  assert.equal((await kubectl(['logs', '-f', 'one', '--tail=1'])).stdout, 'three\nmore 0\nmore 1\nmore 2\n');
  const { stderr } = await kubectl(['logs', 'two', '-c', 'nothing']);
  assert.match(stderr, /container nothing is not valid for pod two/);
});

for (const [name, extra] of [
  ['WebSocket', {}],
  ['SPDY', SPDY],
] as const) {
  test(`exec over ${name} carries output, input and the exit code`, async () => {
    const { stdout, stderr } = await kubectl(['exec', 'one', '--', 'hello', 'there'], undefined, extra);
    assert.deepEqual([stdout, stderr], ['hello there\n', 'to stderr\n']);
    const cat = await kubectl(['exec', '-i', 'one', '--', 'cat'], 'some input\n', extra);
    assert.equal(cat.stdout, 'some input\n');
    const failed = await kubectl(['exec', 'one', '--', 'exit', '3'], undefined, extra);
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /command terminated with exit code 3/);
  });

  test(`port-forward over ${name} carries connections side by side and tells of dead ports`, async () => {
    const child = spawn('kubectl', ['port-forward', 'pod/one', ':7777', ':7778'], {
      env: { ...process.env, ...env, ...extra },
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    try {
      const port = Number(
        await eventually('port-forward', 10_000, async () => /127\.0\.0\.1:(\d+) -> 7777/.exec(output)?.[1]),
      );
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(port, `ping ${at}`)));
      assert.deepEqual(
        answers,
        Array.from({ length: 20 }, (_, at) => `ping ${at}`),
      );
      const dead = Number(/127\.0\.0\.1:(\d+) -> 7778/.exec(output)?.[1]);
      await ask(dead, 'anyone?').catch(() => undefined);
      await eventually(
        'an error about the dead port',
        5_000,
        async () => /connection refused/.test(output) || undefined,
      );
    } finally {
      child.kill();
    }
  });
}

test('attach joins the container that runs', async () => {
  assert.match((await kubectl(['attach', 'one'])).stdout, /attached/);
});

function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(text));
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('end', () => resolve(heard));
    socket.on('error', reject);
  });
}

test('a request for a stream without an upgrade is told what is missing', async () => {
  const { stderr } = await kubectl(
    ['create', '--raw', '/api/v1/namespaces/default/pods/one/exec?command=x', '-f', '-'],
    '{}',
  );
  assert.match(stderr, /Upgrade request required/);
});

test('a policy may refuse commands, whichever protocol they come by', async () => {
  const admission = (resource: string) => ({ group: 'admissionregistration.k8s.io', version: 'v1', resource });
  const rule = { operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'] };
  const validations = [
    { expression: "request.kind.kind == 'PodExecOptions' && !('rm' in object.command)", message: 'nothing is removed' },
  ];
  const spec = { matchConstraints: { resourceRules: [rule] }, validations };
  await server.client.create(admission('validatingadmissionpolicies'), {
    metadata: { name: 'no-rm' },
    spec,
  } as AnyObject);
  await server.client.create(admission('validatingadmissionpolicybindings'), {
    metadata: { name: 'no-rm' },
    spec: { policyName: 'no-rm', validationActions: ['Deny'] },
  } as AnyObject);
  try {
    assert.equal((await kubectl(['exec', 'one', '--', 'ls', '/'])).stdout, 'ls /\n');
    for (const extra of [{}, SPDY]) {
      const refused = await kubectl(['exec', 'one', '--', 'rm', '-r', '/'], undefined, extra);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /pods "one" is invalid: .*ValidatingAdmissionPolicy 'no-rm'.*nothing is removed/);
    }
  } finally {
    await server.client.delete(admission('validatingadmissionpolicybindings'), { name: 'no-rm' });
  }
});
