import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostProgramError, type RunOptions } from '#net/programs';
import { applyRules, captureTable, parseCaptureArgs, type Run } from './index.ts';

const rules = (...args: string[]): string[] =>
  captureTable(parseCaptureArgs(args), 4).rules.map((rule) => rule.replace(/-m comment --comment "[^"]*" /, ''));

test('by default everything is redirected but the proxy itself and loopback', () => {
  assert.deepEqual(rules(), [
    '-A PROXY_INIT_REDIRECT -p tcp -j REDIRECT --to-port 4143',
    '-A PREROUTING -j PROXY_INIT_REDIRECT',
    '-A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -j RETURN',
    '-A PROXY_INIT_OUTPUT -o lo -j RETURN',
    '-A PROXY_INIT_OUTPUT -p tcp -j REDIRECT --to-port 4140',
    '-A OUTPUT -j PROXY_INIT_OUTPUT',
  ]);
});

test('the arguments of the injector become rules in their order', () => {
  assert.deepEqual(
    rules(
      '--ipv6=false',
      '--incoming-proxy-port',
      '5143',
      '--outgoing-proxy-port=5140',
      '-u',
      '2103',
      '--proxy-gid',
      '99',
      '--inbound-ports-to-ignore',
      '4190,4191,25-30',
      '--outbound-ports-to-ignore',
      '443',
      '--subnets-to-ignore',
      '10.0.0.0/8,fd00::/8',
      '--ports-to-redirect',
      '80,8000-8080',
    ),
    [
      '-A PROXY_INIT_REDIRECT -p tcp -m multiport --dports 4190,4191,25:30 -j RETURN',
      '-A PROXY_INIT_REDIRECT -s 10.0.0.0/8 -j RETURN',
      '-A PROXY_INIT_REDIRECT -p tcp --destination-port 80 -j REDIRECT --to-port 5143',
      '-A PROXY_INIT_REDIRECT -p tcp --destination-port 8000:8080 -j REDIRECT --to-port 5143',
      '-A PREROUTING -j PROXY_INIT_REDIRECT',
      '-A PROXY_INIT_OUTPUT -m owner --uid-owner 2103 -j RETURN',
      '-A PROXY_INIT_OUTPUT -m owner --gid-owner 99 -j RETURN',
      '-A PROXY_INIT_OUTPUT -o lo -j RETURN',
      '-A PROXY_INIT_OUTPUT -p tcp -m multiport --dports 443 -j RETURN',
      '-A PROXY_INIT_OUTPUT -p tcp -j REDIRECT --to-port 5140',
      '-A OUTPUT -j PROXY_INIT_OUTPUT',
    ],
  );
});

test('more ports than one rule can hold become several rules', () => {
  const many = Array.from({ length: 20 }, (_, i) => String(1000 + i)).join(',');
  const found = rules('--inbound-ports-to-ignore', many).filter((rule) => rule.includes('multiport'));
  assert.equal(found.length, 2);
});

test('arguments that cannot be meant are named', () => {
  for (const [args, message] of [
    [['--incoming-proxy-port', 'x'], /incoming-proxy-port must be a number/],
    [['--inbound-ports-to-ignore', '70000'], /from 0 to 65535/],
    [['--subnets-to-ignore', 'everywhere'], /must be networks/],
    [['--iptables-mode', 'bpf'], /legacy, nft or plain/],
    [['--proxy-uid'], /needs a value/],
    [['--what'], /unknown argument "--what"/],
  ] as const)
    assert.throws(() => parseCaptureArgs(args), message);
});

/** A stand-in for the host's programs that writes down what it was asked. */
function fakeHost(
  fails: (program: string) => boolean,
  saved = '',
): { run: Run; calls: { program: string; input: string }[] } {
  const calls: { program: string; input: string }[] = [];
  const run = async (program: string, _args: readonly string[], options: RunOptions = {}) => {
    if (fails(program)) throw new HostProgramError(program, { message: `${program} failed` });
    calls.push({ program, input: options.input ?? '' });
    return { stdout: program.endsWith('save') ? saved : '', stderr: '', exitCode: 0 };
  };
  return { run, calls };
}

test('each family is one transaction, and a second run replaces the jumps of the first', async () => {
  const saved = '*nat\n-A PREROUTING -m comment --comment x -j PROXY_INIT_REDIRECT\n-A OUTPUT -j OTHER\nCOMMIT\n';
  const host = fakeHost(() => false, saved);
  await applyRules(parseCaptureArgs(['--iptables-mode', 'nft']), host.run);
  assert.deepEqual(
    host.calls.map(({ program }) => program),
    ['iptables-nft-save', 'iptables-nft-restore', 'ip6tables-nft-save', 'ip6tables-nft-restore'],
  );
  const { input } = host.calls[1]!;
  assert.match(
    input,
    /^\*nat\n:PROXY_INIT_REDIRECT - \[0:0\]\n:PROXY_INIT_OUTPUT - \[0:0\]\n-D PREROUTING -m comment --comment x -j PROXY_INIT_REDIRECT\n-A/,
  );
  assert.doesNotMatch(input, /OTHER/);
});

test('another kernel interface is tried, and when none works the error says so', async () => {
  const legacy = fakeHost((program) => program.includes('nft'));
  await applyRules(parseCaptureArgs(['--ipv6=false']), legacy.run);
  assert.deepEqual(
    legacy.calls.map(({ program }) => program),
    ['iptables-legacy-save', 'iptables-legacy-restore'],
  );
  const none = fakeHost(() => true);
  await assert.rejects(applyRules(parseCaptureArgs([]), none.run), /could not be set; is NET_ADMIN allowed/);
});

test('simulation changes nothing', async () => {
  const host = fakeHost(() => true);
  assert.match(await applyRules(parseCaptureArgs(['--simulate']), host.run), /PROXY_INIT_OUTPUT/);
});
