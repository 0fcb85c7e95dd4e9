import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { eventually, guideBlocks } from '../../harness/index.ts';
import {
  answering,
  type Client,
  deployment,
  IDLE,
  type KubeObject,
  MINUTE_MS,
  namespace,
  object,
  type Scene,
} from './scene.ts';

const GUIDE = guideBlocks('zero-trust.md');
const WEB = 'http://web.store/';
const probe = { httpGet: { path: '/live', port: 'http' }, periodSeconds: 1, failureThreshold: 3 };

/** What the guide begins with. */
const STORE: KubeObject[] = [
  namespace('store'),
  ...deployment('store', 'web', { ...answering('from-store'), readinessProbe: probe, livenessProbe: probe }),
  object('Service', 'store/web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] }),
  ...deployment('store', 'front', IDLE),
  ...deployment('store', 'ops', IDLE),
];

/** The guide, command by command. */
export function zeroTrust(scene: () => Scene): void {
  const follow = async (heading: string, at = 0): Promise<string> => {
    const script = GUIDE.get(heading)?.[at] ?? assert.fail(`the guide has no block ${at} under ${heading}`);
    return scene().lab.ok(`set -e\n${script}`, { timeoutMs: 2 * MINUTE_MS });
  };
  /** What clients are answered: of `web.store`, by path. */
  const all = async (wanted: Record<string, string>) => {
    for (const [who, status] of Object.entries(wanted)) {
      const [client = '', path = '', flags = ''] = who.split(' ');
      await scene().answers(client as Client, `${WEB}${path}`, status, flags);
    }
  };
  const settled = () =>
    scene().lab.ok('kubectl -n store wait --for=condition=Available --timeout=60s deploy --all', { timeoutMs: 90_000 });

  describe('the guide to zero trust', () => {
    before(
      async () => {
        await scene().apply(STORE);
        await settled();
      },
      { timeout: 2 * MINUTE_MS },
    );

    test('its first step refuses nobody and shows who asks', { timeout: 2 * MINUTE_MS }, async () => {
      await follow('See who asks');
      await settled();
      await all({ 'plain ': '200', 'front ': '200' });
      const log = await eventually('both are named', 15_000, async () => {
        const text = await follow('See who asks', 1);
        return /client\.tls=front\.store\./.test(text) && /client\.tls=none/.test(text) ? text : undefined;
      });
      assert.match(log, /Request allowed/);
    });

    test('then all are refused, and the pods stay ready', { timeout: 2 * MINUTE_MS }, async () => {
      await follow('Deny by default');
      await settled();
      await all({ 'plain ': '403', 'front ': '403', 'ops ': '403' });
    });

    test('then the port is open to one identity', { timeout: MINUTE_MS }, async () => {
      await follow('Open the port to the mesh');
      await all({ 'ops ': '200', 'ops admin': '200', 'front ': '403', 'plain ': '403' });
    });

    test('then single paths are open, and probes by their own', { timeout: 2 * MINUTE_MS }, async () => {
      await follow('Open single paths');
      await follow('Open single paths', 1);
      await all({
        'front ': '200',
        'front admin': '403',
        'front  -XPOST': '404',
        'ops admin/users': '200',
        'plain ': '403',
        'plain live': '200',
        'ops elsewhere': '404',
      });
      const restarts = await scene().kubectl(
        "-n store get pod -l app=web -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}'",
      );
      assert.match(restarts, /^[0 ]+$/);
    });

    test('and it can be looked at', { timeout: MINUTE_MS }, async () => {
      const shown = await follow('Look at what holds');
      assert.match(shown, /admin=Accepted\npages=Accepted\nprobes=Accepted/);
      assert.match(shown, /ROUTE +SERVER +AUTHORIZATION_POLICY +SERVER_AUTHORIZATION/);
      assert.match(shown, /pages +web +front/);
      assert.match(shown, /\* +web +ops/);
    });
  });
}
