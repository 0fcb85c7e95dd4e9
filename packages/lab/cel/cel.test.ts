import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cel, CelCompileError, CelEvaluationError } from './index.ts';

const cel = new Cel();
const SELF = {
  text: 'Hello',
  count: 5,
  ratio: 1.5,
  list: [3, 1, 2],
  map: { x: 1, y: { z: 2 } },
  nothing: null,
};
const run = (source: string, bindings: Record<string, unknown> = { self: SELF }) =>
  cel.compile(source, ['self', 'oldSelf']).runJson(bindings);
const text = (action: () => unknown): string => {
  try {
    return JSON.stringify(action());
  } catch (error) {
    assert.ok(error instanceof CelCompileError || error instanceof CelEvaluationError, String(error));
    return `${error.name}: ${error.message}`;
  }
};

const GROUPS: Record<string, Record<string, unknown>> = {
  'the language itself': {
    'self.count + 1 == 6 && self.ratio < 2': true,
    'self.count == 5.0': true,
    'self.nothing == null && self != null': true,
    'has(self.text) && !has(self.other)': true,
    'self.map.all(key, key in ["x", "y"])': true,
    'self.list.exists_one(item, item == 3)': true,
    'self.list.filter(item, item > 1).map(item, item * 2)': [6, 4],
    'self.other == 1 || true': true,
    'type(self.count) == int && type(self.ratio) == double': true,
    'size(self.list) == 3 ? "three" : "other"': 'three',
    'self.text.matches("(?i)^HELLO$")': true,
    'duration("1h30m") > duration("90s")': true,
    'timestamp("2024-01-01T00:00:00Z") + duration("1h") < timestamp("2024-01-01T02:00:00Z")': true,
    '"a.b".matches(r"""^a\\.b$""")': true,
  },
  'strings and patterns': {
    'self.text.lowerAscii() + self.text.upperAscii()': 'helloHELLO',
    'self.text.substring(1, 3)': 'el',
    '"a,b,c".split(",").join("-")': 'a-b-c',
    '"a.b".replace(".", "")': 'ab',
    'matches("abc", "^a")': true,
    '"abc 123".find("[0-9]+")': '123',
    '"abc".find("[0-9]+")': '',
    '"1 22 333".findAll("[0-9]+")': ['1', '22', '333'],
    '"1 22 333".findAll("[0-9]+", 2)': ['1', '22'],
    '"%s has %d".format(["x", 2])': 'x has 2',
    '"abc".reverse()': 'cba',
    '" x ".trim().charAt(0)': 'x',
  },
  'lists and sets': {
    'self.list.sum()': 6,
    'self.list.min() + self.list.max()': 4,
    '[1.5, 2.5].sum()': 4,
    'self.list.isSorted()': false,
    '["a", "b"].isSorted()': true,
    'self.list.indexOf(1)': 1,
    '[1, 2, 1].lastIndexOf(1)': 2,
    'sets.contains(self.list, [1, 2]) && !sets.contains(self.list, [9])': true,
    'sets.equivalent([1, 2, 2], [2, 1])': true,
    'sets.intersects([1], [2])': false,
  },
  'addresses and URLs': {
    'isIP("10.0.0.1") && isIP("fd00::1") && !isIP("10.0.0.256") && !isIP("01.2.3.4") && !isIP("::ffff:1.2.3.4")': true,
    'ip("10.0.0.1").family() + ip("::1").family()': 10,
    'ip("127.0.0.1").isLoopback() && ip("::1").isLoopback() && !ip("10.0.0.1").isLoopback()': true,
    'ip("10.0.0.1").isGlobalUnicast() && !ip("224.0.0.1").isGlobalUnicast()': true,
    'string(ip("2001:db8:0:0:0:0:0:1"))': '2001:db8::1',
    'ip.isCanonical("2001:db8::1") && !ip.isCanonical("2001:DB8::1")': true,
    'ip("1::") == ip("1:0::")': true,
    'isCIDR("10.0.0.0/8") && !isCIDR("10.0.0.0/33") && !isCIDR("10.0.0.0")': true,
    'cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))': true,
    'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR("10.0.0.0/8")': true,
    'string(cidr("10.1.2.3/8").masked())': '10.0.0.0/8',
    'cidr("10.1.2.3/8").prefixLength()': 8,
    'isURL("https://a.b:443/c?d=e") && !isURL("a b") && !isURL("a.b/c")': true,
    'url("https://a.b:443/c?d=e").getHost()': 'a.b:443',
    'url("https://a.b:443/c?d=e").getHostname()': 'a.b',
    'url("https://a.b:443/c?d=e").getPort()': '443',
    'url("https://[::1]:80/").getHostname()': '::1',
    'url("https://a.b/c%20d").getEscapedPath()': '/c%20d',
    'url("https://a.b/c?d=e&d=f").getQuery()["d"]': ['e', 'f'],
  },
  'formats, quantities, versions': {
    'format.dns1123Label().validate("a-b").hasValue()': false,
    '!format.dns1123Label().validate("A_b").hasValue()': false,
    'format.named("qualifiedName").value().validate("example.com/name").hasValue()': false,
    'format.uuid().validate("x").value()': ['does not match the UUID format'],
    'quantity("1") == quantity("1000m")': true,
    'quantity("1Gi").isGreaterThan(quantity("1G"))': true,
    'quantity("1.5k").asInteger()': 1500,
    'quantity("500m").asApproximateFloat()': 0.5,
    'quantity("1").add(quantity("500m")).sub(1).compareTo(quantity("0.5"))': 0,
    'isQuantity("12e3") && !isQuantity("1x") && !isQuantity("")': true,
    'quantity("-1").sign()': -1,
    'semver("1.2.3").major() == 1 && semver("1.2.3").isGreaterThan(semver("1.2.3-rc.10"))': true,
    'semver("1.0.0-alpha.2").isLessThan(semver("1.0.0-alpha.10"))': true,
    'isSemver("1.2") || isSemver("v1.2.3")': false,
  },
  optionals: {
    'self.?text.orValue("none")': 'Hello',
    'self.?missing.orValue("none")': 'none',
    'self.?missing.deeper.value.orValue("none")': 'none',
    'self.map.?y.z.orValue(0)': 2,
    'self.map[?"q"].hasValue()': false,
    'self.list[?1].value()': 1,
    'self.?map.?y.?z.hasValue() && "a.?b" == "a.?b"': true,
    'optional.of(1).or(optional.none()).value()': 1,
    'optional.ofNonZeroValue("").hasValue()': false,
  },
};

for (const [name, cases] of Object.entries(GROUPS))
  test(`evaluates ${name}`, () => {
    for (const [source, want] of Object.entries(cases))
      assert.equal(
        text(() => run(source)),
        JSON.stringify(want),
        source,
      );
  });

test('says what went wrong while running, in the words of cel-go', () => {
  const faults: Record<string, string> = {
    'self.missing': 'no such key: missing',
    'self.list[7]': 'index out of bounds: 7',
    'self.count / 0': 'division by zero',
    'self.text + 1': 'no such overload',
    'optional.none().value()': 'optional.none() dereference',
    'ip("x")': "IP Address 'x' parse error during conversion from string",
  };
  for (const [source, want] of Object.entries(faults))
    assert.equal(
      text(() => run(source)),
      `CelEvaluationError: ${want}`,
      source,
    );
});

test('refuses what cannot be compiled, and shows where', () => {
  const texts: Record<string, string> = {
    'nope(self)': "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope(self)\n | ^",
    'self.a\n  && selff.b':
      "ERROR: <input>:2:6: undeclared reference to 'selff' (in container '')\n |   && selff.b\n | .....^",
  };
  for (const [source, want] of Object.entries(texts))
    assert.equal(
      text(() => run(source)),
      `CelCompileError: ${want}`,
    );
  for (const source of ['self.a ==', '', 'self.(', 'self.all(x)'])
    assert.match(
      text(() => run(source)),
      /^CelCompileError: ERROR: <input>:1:\d+: /,
    );
});

test('knows which names an expression takes from outside', () => {
  const program = cel.compile('self.all(x, x in oldSelf && x.self != format.uuid())', ['self', 'oldSelf']);
  assert.deepEqual([...program.names.keys()].sort(), ['oldSelf', 'self']);
});

test('compiles the same text once', () => {
  assert.equal(cel.compile('self.a', ['self']), cel.compile('self.a', ['self']));
});

test('patterns take linear time', () => {
  const bindings = { self: `${'a'.repeat(5000)}!` };
  assert.equal(run('self.matches("^(a+)+$")', bindings), false);
});
