import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attachment,
  addNetwork,
  type CniResult,
  checkNetwork,
  deleteNetwork,
  type PluginCall,
  PluginError,
  type RunPlugin,
} from './chain.ts';
import type { NetworkList } from './config.ts';

const attachment: Attachment = {
  containerId: 'c',
  netns: '/run/netns/c',
  ifName: 'eth0',
  args: {},
  capabilityArgs: { portMappings: [{ hostPort: 80 }], bandwidth: {} },
};

const network = (more: Partial<NetworkList> = {}): NetworkList => ({
  name: 'n',
  cniVersion: '1.0.0',
  disableCheck: false,
  plugins: [
    { type: 'one', mtu: 1400 },
    { type: 'two', capabilities: { portMappings: true, ips: true } },
  ],
  ...more,
});

/** Plug-ins that give their name as a result, but for those that fail. */
function plugins(failing: readonly string[] = []): { run: RunPlugin; calls: PluginCall[] } {
  const calls: PluginCall[] = [];
  const run: RunPlugin = async (call) => {
    calls.push(call);
    if (failing.includes(call.type)) throw new PluginError(call.type, call.command, 'no');
    return call.command === 'ADD' ? { by: call.type } : undefined;
  };
  return { run, calls };
}

test('each plug-in gets the result of the one before, its own configuration and what it is capable of', async () => {
  const { run, calls } = plugins();
  assert.deepEqual(await addNetwork(network(), attachment, run), { by: 'two' });
  assert.deepEqual(
    calls.map(({ config }) => config),
    [
      { type: 'one', mtu: 1400, name: 'n', cniVersion: '1.0.0' },
      {
        type: 'two',
        name: 'n',
        cniVersion: '1.0.0',
        runtimeConfig: { portMappings: [{ hostPort: 80 }] },
        prevResult: { by: 'one' },
      },
    ],
  );
});

test('a plug-in that fails or says nothing ends the chain', async () => {
  const { run, calls } = plugins(['one']);
  await assert.rejects(addNetwork(network(), attachment, run), /^PluginError: plugin type="one" failed \(add\): no$/);
  assert.equal(calls.length, 1);
  await assert.rejects(
    addNetwork(network(), attachment, async () => undefined),
    /printed no result/,
  );
});

test('plug-ins are undone in reverse, all of them whatever some say, with the last result', async () => {
  const { run, calls } = plugins(['two']);
  const result: CniResult = { by: 'two' };
  const failures = await deleteNetwork(network(), attachment, result, run);
  assert.deepEqual(
    failures.map(({ message }) => message),
    ['plugin type="two" failed (del): no'],
  );
  assert.deepEqual(
    calls.map(({ type, command, config }) => [type, command, config['prevResult']]),
    [
      ['two', 'DEL', result],
      ['one', 'DEL', result],
    ],
  );
});

test('old versions hear no result when undone, and are not checked', async () => {
  const old = network({ cniVersion: '0.3.1' });
  const { run, calls } = plugins();
  await deleteNetwork(old, attachment, { by: 'two' }, run);
  assert.ok(calls.every(({ config }) => config['prevResult'] === undefined));
  calls.length = 0;
  await checkNetwork(old, attachment, { by: 'two' }, run);
  await checkNetwork(network({ disableCheck: true }), attachment, { by: 'two' }, run);
  assert.equal(calls.length, 0);
});

test('a check asks in order with the last result, and fails as the first plug-in does', async () => {
  const { run, calls } = plugins();
  await checkNetwork(network(), attachment, { by: 'two' }, run);
  assert.deepEqual(
    calls.map(({ type, config }) => [type, config['prevResult']]),
    [
      ['one', { by: 'two' }],
      ['two', { by: 'two' }],
    ],
  );
  await assert.rejects(checkNetwork(network(), attachment, {}, plugins(['one']).run), PluginError);
});
