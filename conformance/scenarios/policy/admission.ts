import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type KubeObject, MINUTE_MS, object, ref, type Scene } from './scene.ts';

const target = ref('Server', 'web');
const DENIED: [what: string, denied: KubeObject, message: RegExp][] = [
  [
    'an EgressNetwork with an exception outside of its network',
    object('EgressNetwork', 'bad', {
      trafficPolicy: 'Allow',
      networks: [{ cidr: '198.51.100.0/24', except: ['203.0.113.0/24'] }],
    }),
    /198\.51\.100\.0\/24.* does not include exception '203\.0\.113\.0\/24'/,
  ],
  [
    'an AuthorizationPolicy with two networks',
    object('AuthorizationPolicy', 'bad', {
      targetRef: target,
      requiredAuthenticationRefs: [ref('NetworkAuthentication', 'a'), ref('NetworkAuthentication', 'b')],
    }),
    /NetworkAuthentication/,
  ],
  [
    'a rate limit whose identities may do more than all together',
    object('HTTPLocalRateLimitPolicy', 'bad', {
      targetRef: target,
      total: { requestsPerSecond: 10 },
      identity: { requestsPerSecond: 20 },
    }),
    /identity/,
  ],
  [
    'a TCPRoute of two rules',
    object('TCPRoute', 'bad', {
      parentRefs: [{ group: 'core', kind: 'Service', name: 'web', port: 80 }],
      rules: [1, 2].map(() => ({ backendRefs: [{ name: 'web', port: 80 }] })),
    }),
    /rule/,
  ],
  [
    'an identity that is no path',
    object('MeshTLSAuthentication', 'bad', { identities: ['spiffe://root/a/../b'] }),
    /expected .* SPIFFE URI/,
  ],
];

/** What nobody could follow is refused when it is written. */
export function admission(scene: () => Scene): void {
  describe('admission', () => {
    for (const [what, denied, message] of DENIED)
      test(`refuses ${what}`, { timeout: MINUTE_MS }, async () => {
        const { code, stderr } = await scene().lab.sh('kubectl apply -f -', { input: JSON.stringify(denied) });
        assert.equal(code, 1);
        assert.match(stderr, message);
      });

    test('admits Servers that overlap', { timeout: MINUTE_MS }, async () => {
      const spec = { podSelector: { matchLabels: { app: 'api' } }, port: 'http', accessPolicy: 'all-unauthenticated' };
      await scene().with([object('Server', 'one', spec), object('Server', 'two', spec)], async () => {
        assert.equal(
          await scene().kubectl('-n shop get server one two -o name'),
          'server.policy.linkerd.io/one\nserver.policy.linkerd.io/two',
        );
      });
    });
  });
}
