import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { MINUTE_MS, object, type Scene } from './scene.ts';
import { names } from './watch.ts';

const service = (name: string, port?: number, namespace = 'shop') => ({
  group: 'core',
  kind: 'Service',
  name,
  namespace,
  ...(port !== undefined && { port }),
});
const backend = (name: string) => ({ kind: 'Service', name, namespace: 'shop', port: 80 });
/** A route that sends everything of `parent` to `to`. */
const send = (name: string, parent: object, to: string) =>
  object('HTTPRoute', name, { parentRefs: [parent], rules: [{ backendRefs: [backend(to)] }] });
const only = (name: string, parent: object, path: string, to: string) =>
  object('HTTPRoute', name, {
    parentRefs: [parent],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: path } }], backendRefs: [backend(to)] }],
  });
const WEB = 'http://web.shop/';

/** Where leaving requests go. */
export function outbound(scene: () => Scene): void {
  describe('where requests go', () => {
    test('a Service without routes is asked itself', { timeout: MINUTE_MS }, async () => {
      await scene().watchTarget('web.shop.svc.cluster.local:80', async (heard) => {
        await heard.becomes('the default', ({ protocol: { detect } }) => {
          assert.deepEqual([detect?.timeout, names(detect?.http1?.routes)], ['10s', ['default/http']]);
          const text = JSON.stringify(detect?.http1?.routes[0]?.rules);
          assert.match(text, /"backends":\{"firstAvailable":\{"backends":\[\{"backend":\{/);
          assert.match(
            text,
            /"resource":\{"group":"core","kind":"Service","name":"web","namespace":"shop","port":80\}/,
          );
          assert.match(text, /"queue":\{"capacity":100,"failfastTimeout":"3s"\}/);
          assert.match(text, /"dst":\{"path":"web\.shop\.svc\.cluster\.local:80"\}/);
        });
      });
      await scene().answers('alpha', WEB, /^200 .*from-web/s);
    });

    test('a rule without backends keeps the parent; a route without rules leads nowhere', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      await s.with([object('HTTPRoute', 'bare', { parentRefs: [service('web')], rules: [{}] })], async () => {
        const policy = await s.policyBecomes('web', 80, ['Detect', 'bare']);
        const [rule] = policy.protocol.Kind['Detect']?.http1?.routes[0]?.rules ?? [];
        assert.match(
          JSON.stringify(rule?.backends),
          /^\{"Kind":\{"FirstAvailable":.*web\.shop\.svc\.cluster\.local:80/,
        );
        await s.answers('alpha', WEB, /^200 .*from-web/s);
      });
      await s.with([object('HTTPRoute', 'none', { parentRefs: [service('web')], rules: [] })], async () => {
        const policy = await s.policyBecomes('web', 80, ['Detect', 'none']);
        assert.deepEqual(policy.protocol.Kind['Detect']?.http1?.routes[0]?.rules ?? [], []);
        await s.answers('alpha', WEB, '404');
      });
    });

    test('a route beside the Service is for all, one of another namespace for its clients', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      const producer = only('for-all', service('web'), '/p', 'api');
      const consumer = only('other/for-us', service('web'), '/c', 'api');
      await s.with([producer], async () => {
        await s.policyBecomes('web', 80, ['Detect', 'for-all'], 'other');
        await s.with([consumer], async () => {
          await s.policyBecomes('web', 80, ['Detect', 'for-all', 'for-us'], 'other');
          await s.answers('beta', `${WEB}c`, /^200 .*from-api/s);
          await s.answers('beta', `${WEB}p`, /^200 .*from-api/s);
          await s.policyBecomes('web', 80, ['Detect', 'for-all']);
          await s.answers('alpha', `${WEB}p`, /^200 .*from-api/s);
          await s.answers('alpha', `${WEB}c`, '404');
        });
        await s.policyBecomes('web', 80, ['Detect', 'for-all'], 'other');
        await s.answers('beta', `${WEB}c`, '404');
        await s.answers('beta', `${WEB}p`, /^200 .*from-api/s);
      });
    });

    test('a parent without port means all its ports, one with port that one', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const two = object('Service', 'two', {
        selector: { app: 'web' },
        ports: [
          { name: 'a', port: 80, targetPort: 'http' },
          { name: 'b', port: 4191, targetPort: 'http' },
        ],
      });
      await s.with([two, send('all', service('two'), 'api')], async () => {
        for (const port of [80, 4191]) {
          await s.policyBecomes('two', port, ['Detect', 'all']);
          await s.answers('alpha', `http://two.shop:${port}/`, /^200 .*from-api/s);
        }
        await s.apply([send('all', service('two', 4191), 'api')]);
        await s.policyBecomes('two', 80, ['Detect', 'default/http']);
        await s.policyBecomes('two', 4191, ['Detect', 'all']);
        await s.answers('alpha', 'http://two.shop:80/', /^200 .*from-web/s);
        await s.answers('alpha', 'http://two.shop:4191/', /^200 .*from-api/s);
      });
    });

    test('a route that is given another parent leaves the first one', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const moves = (parent: string) => send('moves', service(parent), 'broken');
      await s.watchTarget('web.shop.svc:80', (web) =>
        s.watchTarget('api.shop.svc:80', (api) =>
          s.with([moves('web')], async () => {
            const become = (heard: typeof web, wanted: string) =>
              heard.becomes(wanted, ({ protocol }) =>
                assert.deepEqual(names(protocol['detect']?.http1?.routes), [wanted]),
              );
            await become(web, 'moves');
            await become(api, 'default/http');
            await s.answers('alpha', WEB, '500');
            await s.answers('alpha', 'http://api.shop/', '200');
            const counts = [web.all.length, api.all.length];
            await s.apply([moves('api')]);
            await become(web, 'default/http');
            await become(api, 'moves');
            assert.deepEqual(
              [web.all.length, api.all.length],
              counts.map((count) => count + 1),
              'each is told once',
            );
            await s.answers('alpha', WEB, '200');
            await s.answers('alpha', 'http://api.shop/', '500');
          }),
        ),
      );
    });

    test('of two TCPRoutes the older one counts', { timeout: 2 * MINUTE_MS }, async () => {
      const s = scene();
      const tcp = (name: string, to: string) =>
        object('TCPRoute', name, { parentRefs: [service('web', 80)], rules: [{ backendRefs: [backend(to)] }] });
      const older = tcp('z-older', 'api');
      await s.with([older], async () => {
        await s.policyBecomes('web', 80, ['Opaque', 'z-older']);
        // Times of creation are seconds: the names of two of the same second would decide.
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        await s.with([tcp('a-newer', 'web')], async () => {
          await s.policyBecomes('web', 80, ['Opaque', 'z-older']);
          await s.answers('alpha', WEB, /^200 .*from-api/s);
          await s.remove([older]);
          await s.policyBecomes('web', 80, ['Opaque', 'a-newer']);
          await s.answers('alpha', WEB, /^200 .*from-web/s);
        });
      });
    });
  });

  describe('breakers', () => {
    const PREFIX = 'balancer.linkerd.io/failure-accrual';
    const ALPHA = 'balancer.alpha.linkerd.io/';
    const BROKEN = 'http://broken.shop/';

    test('five failures in a row shut an endpoint off until its penalty is over', {
      timeout: 2 * MINUTE_MS,
    }, async () => {
      const s = scene();
      await s.kubectl(
        `-n shop annotate service broken ${PREFIX}=consecutive ${PREFIX}-consecutive-max-failures=5 ` +
          `${PREFIX}-consecutive-min-penalty=12s ${PREFIX}-consecutive-jitter-ratio=0 ` +
          // Good or bad, those of the other mode are not read; what is no boolean is not followed.
          `${ALPHA}failure-accrual-success-rate-threshold=0.9 ${ALPHA}failure-accrual-success-rate-window=1ms ` +
          `${ALPHA}penalize-failures=perhaps`,
      );
      try {
        await eventually('the policy has the breaker', 15_000, async () => {
          const text = JSON.stringify(await s.policy('broken', 80));
          assert.match(text, /"ConsecutiveFailures":\{[^}]*"max_failures":5/);
          assert.match(text, /"PeakEwma"/);
          assert.doesNotMatch(text, /Unified|PenaltyPeakEwma/);
          return true;
        });
        // A client that did not ask before has the policy from its first request.
        const urls = Array.from({ length: 7 }, () => `-o /dev/null ${BROKEN}`).join(' ');
        const statuses = (await s.exec('gamma', `sh -c 'curl -s -m 20 -w "%{http_code} " ${urls}'`)).split(' ');
        assert.deepEqual(statuses.slice(0, 5), ['500', '500', '500', '500', '500']);
        for (const status of statuses.slice(5, 7)) assert.match(status, /^50[34]$/);
        await eventually('the endpoint is tried again', 30_000, async () =>
          (await s.ask('gamma', BROKEN)).startsWith('500') ? true : undefined,
        );
      } finally {
        const gone = ['', '-consecutive-max-failures', '-consecutive-min-penalty', '-consecutive-jitter-ratio'];
        const removals = [
          ...gone.map((end) => `${PREFIX}${end}-`),
          `${ALPHA}failure-accrual-success-rate-threshold-`,
          `${ALPHA}failure-accrual-success-rate-window-`,
          `${ALPHA}penalize-failures-`,
        ];
        await s.kubectl(`-n shop annotate service broken ${removals.join(' ')}`);
      }
    });
  });
}
