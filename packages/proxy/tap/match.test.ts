import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { encodeIp, httpTypes, tap } from '#api/mesh';
import { compileMatch } from './match.ts';
import type { Subject } from './subject.ts';

const subject: Subject = {
  direction: 'outbound',
  request: {
    version: 20,
    method: 'GET',
    scheme: '',
    authority: 'web.a:80',
    path: '/api/v1?x=/other',
    absoluteForm: false,
    upgrade: '',
    fields: [],
    contentLength: -1,
  },
  source: { ip: '10.1.0.7', port: 40_000, labels: { tls: 'loopback' } },
  destination: { ip: 'fd00::2', port: 8080, labels: { pod: 'web-1' } },
  routeLabels: { route: 'GET /api' },
};

type Init = MessageInitShape<typeof tap.ObserveRequest_MatchSchema>;
type Match = Init['match'];
const matches = (match: Match): boolean =>
  compileMatch(create(tap.ObserveRequest_MatchSchema, match ? { match } : {}))(subject);
const http = (match: MessageInitShape<typeof tap.ObserveRequest_Match_HttpSchema>['match']): Match => ({
  case: 'http',
  value: match ? { match } : {},
});
const text = (kind: 'exact' | 'prefix', value: string) => ({ match: { case: kind, value } }) as const;
const ports = (min: number, max: number): Match => ({
  case: 'destination',
  value: { match: { case: 'ports', value: { min, max } } },
});
const network = (side: 'source' | 'destination', ip: string, mask: number): Match => {
  const address = encodeIp(ip);
  return { case: side, value: { match: { case: 'netmask', value: { ...(address && { ip: address }), mask } } } };
};
const label = (kind: 'destinationLabel' | 'routeLabel', key: string, value: string): Match => ({
  case: kind,
  value: { key, value },
});
const POD = { match: label('destinationLabel', 'pod', 'web-1') } as Init;
const OTHER = { match: label('destinationLabel', 'pod', 'web-2') } as Init;

test('each condition holds for what it says and for nothing else', () => {
  const Registered = httpTypes.HttpMethod_Registered;
  const cases: [Match, boolean][] = [
    [ports(8080, 0), true],
    [ports(0, 8080), true],
    [ports(8000, 9000), true],
    [ports(80, 81), false],
    [network('source', '10.1.0.0', 16), true],
    [network('source', '10.2.0.0', 16), false],
    [network('destination', 'fd00::', 8), true],
    [network('destination', '10.0.0.0', 0), false],
    [http({ case: 'scheme', value: { type: { case: 'registered', value: httpTypes.Scheme_Registered.HTTP } } }), true],
    [http({ case: 'scheme', value: { type: { case: 'unregistered', value: 'ftp' } } }), false],
    [http({ case: 'method', value: { type: { case: 'registered', value: Registered.GET } } }), true],
    [http({ case: 'method', value: { type: { case: 'unregistered', value: 'PURGE' } } }), false],
    [http({ case: 'authority', value: text('prefix', 'web.') }), true],
    [http({ case: 'authority', value: text('exact', 'web') }), false],
    [http({ case: 'path', value: text('exact', '/api/v1') }), true],
    [http({ case: 'path', value: text('prefix', '/other') }), false],
    [label('destinationLabel', 'pod', 'web-1'), true],
    [label('destinationLabel', 'toString', 'x'), false],
    [label('routeLabel', 'route', 'GET /api'), true],
    [{ case: 'not', value: OTHER }, true],
    [{ case: 'all', value: { matches: [POD, OTHER] } }, false],
    [{ case: 'any', value: { matches: [POD, OTHER] } }, true],
    [{ case: 'all', value: { matches: [] } }, true],
    [{ case: 'any', value: { matches: [] } }, false],
  ];
  for (const [at, [match, expected]] of cases.entries()) assert.equal(matches(match), expected, `case ${at}`);
});

test('what says nothing is refused', () => {
  const empty = create(tap.ObserveRequest_MatchSchema);
  assert.throws(() => compileMatch(undefined), { code: 'INVALID_ARGUMENT' });
  const cases = [
    { case: 'not', value: empty },
    { case: 'source', value: {} },
    http(undefined),
    http({ case: 'path', value: {} }),
    http({ case: 'method', value: {} }),
    ports(0, 0),
    ports(9, 8),
    network('source', '10.0.0.0', 33),
    network('source', 'none', 8),
    { case: 'all', value: { matches: Array.from({ length: 300 }, () => POD) } },
  ] as Match[];
  for (const [at, match] of cases.entries())
    assert.throws(() => matches(match), { code: 'INVALID_ARGUMENT' }, `case ${at}`);
});
