import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { MINUTE_MS, object, ref, type Scene } from './scene.ts';
import { nameOf, names } from './watch.ts';

/** An address of TEST-NET-3 (RFC 5737): outside of every network that a cluster takes for its own. */
const HOST = '203.0.113.80';
/** The lab's end of the cable to it. */
const GATE = '203.0.113.81';
const NETNS = 'outside';

/** A host that is no part of the cluster: HTTP on 80, TLS on 443 and 8443, bytes on 7000. */
const SERVE = `
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=outside.example -keyout /tmp/outside.key -out /tmp/outside.crt 2>/dev/null
cat > /tmp/outside.js <<'EOF'
const fs = require("node:fs");
const answer = (request, response) => {
  if (request.url === "/fail") response.statusCode = 500;
  response.end("from-outside\\n");
};
require("node:http").createServer(answer).listen(80);
const tls = { key: fs.readFileSync("/tmp/outside.key"), cert: fs.readFileSync("/tmp/outside.crt") };
for (const port of [443, 8443]) require("node:https").createServer(tls, answer).listen(port);
EOF
ip netns add ${NETNS}
ip link add outside type veth peer name eth0 netns ${NETNS}
ip addr add ${GATE}/31 dev outside && ip link set outside up
ip -n ${NETNS} link set lo up
ip -n ${NETNS} addr add ${HOST}/31 dev eth0 && ip -n ${NETNS} link set eth0 up
ip -n ${NETNS} route add default via ${GATE}
setsid ip netns exec ${NETNS} node /tmp/outside.js >/tmp/outside.log 2>&1 </dev/null &
`;

/** What leaves the cluster. The host goes with the lab. */
export function egress(scene: () => Scene): void {
  describe('what leaves the cluster', () => {
    before(
      async () => {
        const inLab = (script: string) =>
          scene().lab.ok(`weft lab shell --name ${scene().lab.name} -- sh -e`, { input: script });
        await inLab(SERVE);
        await eventually('the host outside answers', 20_000, async () =>
          (await scene().ask('plain', `http://${HOST}/`)).startsWith('200') ? true : undefined,
        );
      },
      { timeout: MINUTE_MS },
    );
    after(() => scene().kubectl('delete egressnetworks.policy.linkerd.io --all -A'), { timeout: MINUTE_MS });

    const network = (trafficPolicy: string, spec: object = {}, annotations: object = {}) =>
      object('EgressNetwork', 'all', { trafficPolicy, ...spec }, { annotations });
    const parent = (port: number) => ({ ...ref('EgressNetwork', 'all'), port });
    /** Lets a Service answer a part of what is asked of the address. */
    const inside = object('HTTPRoute', 'inside', {
      parentRefs: [parent(80)],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/in' } }],
          backendRefs: [{ kind: 'Service', name: 'api', namespace: 'shop', port: 80 }],
        },
      ],
    });
    const toOutside = [{ backendRefs: [{ ...ref('EgressNetwork', 'all') }] }];
    const counted = (route: string, again?: () => Promise<void>) => scene().counts('alpha', route, again);

    test('nobody minds until an EgressNetwork says what may leave', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.answers('alpha', `http://${HOST}/`, '200');
      await counted('egress-fallback');
      await s.with([network('Allow')], async () => {
        await counted('http-egress-allow', () => s.answers('alpha', `http://${HOST}/`, '200'));
        await s.answers('alpha', `https://${HOST}/`, '200');
        await counted('tcp-egress-allow');
        await s.apply([network('Deny')]);
        await s.answers('alpha', `http://${HOST}/`, '403');
        await counted('http-egress-deny');
        await s.answers('alpha', `https://${HOST}/`, '000');
        await counted('tcp-egress-deny');
      });
      await s.answers('alpha', `http://${HOST}/`, '200');
    });

    test('whoever watches an address outside is told to ask again when an EgressNetwork comes', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const tls = object('TLSRoute', 'named', {
        parentRefs: [parent(443)],
        hostnames: ['outside.example'],
        rules: toOutside,
      });
      /** Asks, and does the next thing while the stream is open, which ends it. */
      const told = (wanted: string[], then: () => Promise<void>) =>
        s.watchTarget(`${HOST}:80`, async (heard) => {
          await heard.becomes(wanted.join(), ({ metadata, protocol: { detect } }) =>
            assert.deepEqual(
              [nameOf({ metadata }), ...names(detect?.http1?.routes), ...names(detect?.opaque?.routes)],
              wanted,
            ),
          );
          await then();
          await heard.completes();
        });
      const none = ['default/egress-fallback', 'default/egress-fallback', 'default/egress-fallback'];
      try {
        await told(none, () => s.apply([network('Allow'), tls]));
        await s.watchTarget(`${HOST}:443`, (heard) =>
          heard.becomes('the TLSRoute, then the rest', ({ protocol }) =>
            assert.deepEqual(names(protocol['tls']?.routes), ['named', 'default/tls-egress-allow']),
          ),
        );
        await told(['all', 'default/http-egress-allow', 'default/tcp-egress-allow'], () => s.apply([network('Deny')]));
        await told(['all', 'default/http-egress-deny', 'default/tcp-egress-deny'], () =>
          s.remove([network('Deny'), tls]),
        );
        await told(none, () => s.apply([network('Allow')]));
      } finally {
        await s.remove([network('Allow'), tls]);
      }
    });

    test('it governs the clients of its namespace', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.with([network('Deny', { networks: [{ cidr: `${HOST}/32` }] })], async () => {
        await s.answers('alpha', `http://${HOST}/`, '403');
        await s.answers('beta', `http://${HOST}/`, '200');
      });
    });

    test('the one of the global namespace governs all who have none of their own', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const everywhere = object('EgressNetwork', 'linkerd-egress/everywhere', { trafficPolicy: 'Deny' });
      await s.with([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'linkerd-egress' } }], async () => {
        await s.with([everywhere], async () => {
          await s.answers('alpha', `http://${HOST}/`, '403');
          await s.answers('beta', `http://${HOST}/`, '403');
          const elsewhere = network('Deny', { networks: [{ cidr: '198.51.100.0/24' }] });
          await s.with([elsewhere], async () => {
            await s.answers('alpha', `http://${HOST}/`, '200');
            await s.answers('beta', `http://${HOST}/`, '403');
          });
        });
      });
    });

    test('a TLSRoute lets one server name out, a TCPRoute one port', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const named = (name: string, port = 443) =>
        [`https://${name}:${port}/`, `--resolve ${name}:${port}:${HOST}`] as const;
      const tls = object('TLSRoute', 'named', {
        parentRefs: [parent(443)],
        hostnames: ['outside.example'],
        rules: toOutside,
      });
      await s.with([network('Deny'), tls], async () => {
        const [url, flags] = named('outside.example');
        const [otherUrl, otherFlags] = named('else.example');
        await s.answers('alpha', otherUrl, '000', otherFlags);
        await s.answers('alpha', url, '200', flags);
        assert.match(await s.ask('alpha', otherUrl, otherFlags), /^000/);
        await counted('tls-egress-deny');
        const [portUrl, portFlags] = named('outside.example', 8443);
        await s.answers('alpha', portUrl, '000', portFlags);
      });
      const tcp = object('TCPRoute', 'port', { parentRefs: [parent(443)], rules: toOutside });
      await s.with([network('Deny'), tcp], async () => {
        const [portUrl, portFlags] = named('else.example', 8443);
        await s.answers('alpha', portUrl, '000', portFlags);
        const [url, flags] = named('else.example');
        await s.answers('alpha', url, '200', flags);
      });
    });

    test('its failures break nothing', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const annotations = {
        'balancer.linkerd.io/failure-accrual': 'consecutive',
        'balancer.linkerd.io/failure-accrual-consecutive-max-failures': '2',
        'balancer.alpha.linkerd.io/failure-accrual-success-rate-threshold': '0.9',
        'balancer.alpha.linkerd.io/penalize-failures': 'true',
      };
      await s.with([network('Allow', {}, annotations), inside], async () => {
        await s.watchTarget(`${HOST}:80`, (heard) =>
          heard.becomes('a policy without breaker or penalties', (policy) => {
            assert.deepEqual(names(policy.protocol['detect']?.http1?.routes), ['inside', 'default/http-egress-allow']);
            const text = JSON.stringify(policy);
            assert.match(text, /"peakEwma"/);
            assert.doesNotMatch(text, /failureAccrual|penaltyPeakEwma/);
          }),
        );
        await s.counts('gamma', 'http-egress-allow', () => s.answers('gamma', `http://${HOST}/`, '200'));
        const urls = Array.from({ length: 6 }, () => `-o /dev/null http://${HOST}/fail`).join(' ');
        const statuses = await s.exec('gamma', `sh -c 'curl -s -m 20 -w "%{http_code} " ${urls}'`);
        assert.equal(statuses.trim(), '500 500 500 500 500 500');
      });
    });

    test('an HTTPRoute may give the answer of a Service in its place', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.with([network('Deny'), inside], async () => {
        await s.answers('alpha', `http://${HOST}/in`, /^200 .*from-api/s);
        await s.answers('alpha', `http://${HOST}/`, '403');
      });
    });
  });
}
