import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { ALPHA_ID, type KubeObject, MINUTE_MS, object, ref, type Scene } from './scene.ts';

const WEB = 'http://web.shop/';
const server = (more: object = {}) =>
  object('Server', 'web', {
    podSelector: { matchLabels: { app: 'web' } },
    port: 'http',
    proxyProtocol: 'HTTP/1',
    ...more,
  });
const admit = (name: string, target: object, refs: object[]): KubeObject =>
  object('AuthorizationPolicy', name, { targetRef: target, requiredAuthenticationRefs: refs });
const toServer = (...refs: object[]) => admit('web', ref('Server', 'web'), refs);
const tlsOf = (spec: object) => object('MeshTLSAuthentication', 'who', spec);
const networkOf = (...addresses: string[]) =>
  object('NetworkAuthentication', 'where', { networks: addresses.map((cidr) => ({ cidr })) });
const WHO = ref('MeshTLSAuthentication', 'who');
const WHERE = ref('NetworkAuthentication', 'where');

/** What arriving requests meet. */
export function inbound(scene: () => Scene): void {
  describe('who may ask', () => {
    test('an identity admits those who have it, over the mesh', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.answers('plain', WEB, '200');
      await s.with([server(), tlsOf({ identities: [ALPHA_ID] }), toServer(WHO)], async () => {
        await s.answers('plain', WEB, '403');
        await s.answers('alpha', WEB, '200');
        await s.answers('gamma', WEB, '403');
        await s.apply([tlsOf({ identityRefs: [{ kind: 'ServiceAccount', name: 'gamma' }] })]);
        await s.answers('gamma', WEB, '200');
        await s.answers('alpha', WEB, '403');
        await s.answers('plain', WEB, '403');
      });
    });

    test('a reference to a namespace admits its service accounts', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const who = tlsOf({ identityRefs: [{ kind: 'Namespace', name: 'shop' }] });
      await s.with([server(), who, toServer(WHO)], async () => {
        await s.answers('beta', WEB, '403');
        await s.answers('alpha', WEB, '200');
        await s.answers('gamma', WEB, '200');
      });
    });

    test('a network admits addresses, whoever is there', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.with([server(), networkOf(await s.ipOf('plain')), toServer(WHERE)], async () => {
        await s.answers('stranger', WEB, '403');
        await s.answers('plain', WEB, '200');
      });
    });

    test('identity and network are both needed where both are asked for', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const where = networkOf(await s.ipOf('plain'), await s.ipOf('alpha'));
      const objects = [server(), tlsOf({ identities: ['*'] }), where, toServer(WHO, WHERE)];
      await s.with(objects, async () => {
        await s.answers('plain', WEB, '403');
        await s.answers('alpha', WEB, '200');
        await s.answers('beta', WEB, '403');
      });
    });

    test('a policy that asks for nothing admits everybody', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      await s.with([server()], async () => {
        await s.answers('plain', WEB, '403');
        await s.with([toServer()], async () => {
          await s.answers('plain', WEB, '200');
          await s.answers('alpha', WEB, '200');
        });
      });
    });

    test('routes have policies of their own, and those of the Server beside them', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const route = (name: string, value: string) =>
        object('HTTPRoute', name, {
          parentRefs: [ref('Server', 'web')],
          rules: [{ matches: [{ path: { type: 'Exact', value } }] }],
        });
      const who = tlsOf({ identities: ['*'] });
      const objects = [server(), route('root', '/'), route('roux', '/roux'), who];
      await s.with([...objects, admit('root', ref('HTTPRoute', 'root'), [WHO])], async () => {
        await s.answers('alpha', `${WEB}noroute`, '404');
        await s.answers('alpha', WEB, '200');
        await s.answers('plain', WEB, '403');
        await s.answers('alpha', `${WEB}roux`, '403');
        await s.with([toServer(WHO)], () => s.answers('alpha', `${WEB}roux`, '200'));
      });
    });
  });

  describe('audit', () => {
    const audited = async () => {
      const log = await scene().kubectl('-n shop logs -l app=web -c linkerd-proxy --tail=-1');
      return log.split('\n').filter((line) => line.includes('Request allowed'));
    };

    test('a Server that audits lets requests through and its proxy names them', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const before = (await audited()).length;
      await s.with([server()], async () => {
        await s.answers('plain', WEB, '403');
        await s.apply([server({ accessPolicy: 'audit' })]);
        await s.answers('plain', WEB, '200');
        const line = await eventually('the log names the request', 10_000, async () => (await audited())[before]);
        assert.match(line, /server\.kind=server server\.name=web/);
        assert.match(line, /route\.kind=default route\.name=default/);
        assert.ok(line.includes(`client.ip=${await s.ipOf('plain')}`), line);
        assert.match(line, /authz\.kind=default authz\.name=audit/);
        await s.answers('alpha', WEB, '200');
        const meshed = await eventually('the log names the client', 10_000, async () =>
          (await audited()).find((each) => each.includes(ALPHA_ID)),
        );
        assert.match(meshed, /client\.tls=/);
      });
    });

    test('by annotation of the namespace it takes pods that are made afterwards', {
      timeout: 3 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const annotation = 'config.linkerd.io/default-inbound-policy';
      await s.answers('plain', WEB, '200');
      const before = (await audited()).length;
      await s.kubectl(`annotate namespace shop ${annotation}=audit`);
      try {
        await s.answers('plain', WEB, '200');
        assert.equal((await audited()).length, before);
        await s.kubectl('-n shop rollout restart deploy/web');
        await s.kubectl('-n shop rollout status deploy/web --timeout=50s');
        await s.answers('plain', WEB, '200');
        const byDefault = /server\.kind=default server\.name=audit .*authz\.name=audit/;
        await eventually('the new pod names the request', 10_000, async () =>
          (await audited()).find((line) => byDefault.test(line)),
        );
      } finally {
        await s.kubectl(`annotate namespace shop ${annotation}-`);
        await s.kubectl('-n shop rollout restart deploy/web');
        await s.kubectl('-n shop rollout status deploy/web --timeout=50s');
      }
    });
  });

  describe('rate limits', () => {
    const limit = (spec: object) =>
      object('HTTPLocalRateLimitPolicy', 'web', { targetRef: ref('Server', 'web'), ...spec });
    const open = server({ accessPolicy: 'all-unauthenticated' });
    const accepted = () =>
      scene().kubectl('-n shop wait --for=condition=Accepted --timeout=15s httplocalratelimitpolicy/web');
    /** The burst is as much as one second's limit: it is over before counting begins. */
    const SECONDS = { skip: 4, count: 10 };
    const between = (percent: number, low: number, high: number) =>
      assert.ok(percent >= low && percent <= high, `${percent} % refused, expected ${low} to ${high}`);

    test('what is above the limit of all is refused', { timeout: 2 * MINUTE_MS }, async () => {
      await scene().with([open, limit({ total: { requestsPerSecond: 70 } })], async () => {
        await accepted();
        between(await scene().refusedPercent('alpha', WEB, 100, SECONDS), 25, 35);
      });
    });

    test('each identity has its own, and those of an override share theirs', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const refs = [
        { kind: 'ServiceAccount', name: 'gamma' },
        { kind: 'ServiceAccount', name: 'beta', namespace: 'other' },
      ];
      const spec = {
        total: { requestsPerSecond: 1000 },
        identity: { requestsPerSecond: 50 },
        overrides: [{ requestsPerSecond: 120, clientRefs: refs }],
      };
      await s.with([open, limit(spec)], async () => {
        await accepted();
        const offers = (['alpha', 'gamma', 'beta'] as const).map((client) =>
          s.refusedPercent(client, WEB, 100, SECONDS),
        );
        const [alpha = 0, gamma = 0, beta = 0] = await Promise.all(offers);
        between(alpha, 45, 55);
        between((gamma + beta) / 2, 35, 45);
      });
    });
  });
}
