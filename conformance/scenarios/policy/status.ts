import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventually } from '../../harness/index.ts';
import { type KubeObject, MINUTE_MS, object, ref, routeNames, type Scene } from './scene.ts';

interface Parent {
  controllerName: string;
  parentRef: { group: string; kind: string; name: string };
  conditions: { type: string; status: string; reason: string; message: string }[];
}

const webServer = (name: string) =>
  object('Server', name, {
    podSelector: { matchLabels: { app: 'api' } },
    port: 'http',
    accessPolicy: 'all-unauthenticated',
  });
/** Where admission asks nobody. */
const UNASKED: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'unasked', labels: { 'config.linkerd.io/admission-webhooks': 'disabled' } },
};
const rate = (requestsPerSecond: number) => ({ requestsPerSecond });
const limit = (name: string, spec: object) => object('HTTPLocalRateLimitPolicy', `unasked/${name}`, spec);
const egress = (name: string, network: object) =>
  object('EgressNetwork', `unasked/${name}`, { trafficPolicy: 'Deny', networks: [network] });

/** Objects that admission would refuse, and what is said of each. */
const REFUSABLE: readonly (readonly [KubeObject, string])[] = [
  [
    limit('high', { targetRef: ref('Server', 'one'), total: rate(10), identity: rate(20) }),
    'Accepted=True Accepted:;PartiallyInvalid=True UnsupportedValue: identity: requestsPerSecond (20) must not exceed that of total (10); it counts as it is written;',
  ],
  [
    limit('none', { targetRef: ref('Server', 'one'), total: rate(0) }),
    'Accepted=False Invalid: requestsPerSecond: expected a whole number above 0, got 0; it limits nothing;',
  ],
  [
    limit('lost', { targetRef: { group: 'apps', kind: 'Deployment', name: 'web' }, total: rate(1) }),
    'Accepted=False NoMatchingTarget: targetRef: expected a Server.policy.linkerd.io, got Deployment.apps;',
  ],
  [egress('odd', { cidr: 'all' }), 'Accepted=False Invalid: cidr: expected a network or an IP address, got "all";'],
  [
    egress('beside', { cidr: '198.51.100.0/24', except: ['203.0.113.0/24'] }),
    "Accepted=True Accepted:;PartiallyInvalid=True UnsupportedValue: cidr '198.51.100.0/24' does not include exception '203.0.113.0/24'; it counts as it is written;",
  ],
];
const service = (name: string) => ({ group: 'core', kind: 'Service', name, port: 80 });

/** What the controllers say of routes. */
export function status(scene: () => Scene): void {
  /** Waits until the accepted conditions of a route's parents are as wanted, by name of the parent. */
  async function accepted(route: string, wanted: Record<string, string>): Promise<Parent[]> {
    const order = Object.keys(wanted).sort();
    return eventually(`${route}: ${JSON.stringify(wanted)}`, 15_000, async () => {
      const text = await scene().kubectl(`-n shop get ${route} -o jsonpath='{.status.parents}'`);
      const parents = JSON.parse(text || '[]') as Parent[];
      const seen: Record<string, string> = {};
      for (const { parentRef, conditions } of parents) {
        const found = conditions.find((each) => each.type === 'Accepted');
        seen[parentRef.name] = `${found?.status}/${found?.reason}`;
      }
      const isSo = order.length === parents.length && order.every((name) => seen[name] === wanted[name]);
      if (!isSo) throw new Error(`has ${text}`);
      return parents;
    });
  }

  describe('status', () => {
    test('a route of a Server that exists is accepted, by the controller and the group that tools look for', {
      timeout: MINUTE_MS,
    }, async () => {
      const route = object('HTTPRoute', 'r', { parentRefs: [ref('Server', 'one')], rules: [] });
      await scene().with([webServer('one'), route], async () => {
        const [parent] = await accepted('httproutes.policy.linkerd.io/r', { one: 'True/Accepted' });
        assert.equal(parent?.controllerName, 'linkerd.io/policy-controller');
        assert.deepEqual(
          { group: parent?.parentRef.group, kind: parent?.parentRef.kind },
          { group: 'policy.linkerd.io', kind: 'Server' },
        );
      });
    });

    test('each parent has its own say, and a Server that comes later changes it', { timeout: MINUTE_MS }, async () => {
      const route = object('HTTPRoute', 'r', { parentRefs: [ref('Server', 'one'), ref('Server', 'late')], rules: [] });
      const late = webServer('late');
      await scene().with([webServer('one'), route], async () => {
        await accepted('httproutes.policy.linkerd.io/r', { one: 'True/Accepted', late: 'False/NoMatchingParent' });
        await scene().with([late], async () => {
          await accepted('httproutes.policy.linkerd.io/r', { one: 'True/Accepted', late: 'True/Accepted' });
        });
        await accepted('httproutes.policy.linkerd.io/r', { one: 'True/Accepted', late: 'False/NoMatchingParent' });
      });
    });

    test('a headless Service is no parent, and the message says why', { timeout: MINUTE_MS }, async () => {
      const headless = object('Service', 'headless', {
        clusterIP: 'None',
        selector: { app: 'api' },
        ports: [{ port: 80 }],
      });
      const route = object('HTTPRoute', 'r', { parentRefs: [service('headless')], rules: [{}] });
      await scene().with([headless, route], async () => {
        const [parent] = await accepted('httproutes.policy.linkerd.io/r', { headless: 'False/NoMatchingParent' });
        assert.equal(
          parent?.conditions.find((each) => each.type === 'Accepted')?.message,
          'parent service must have a ClusterIP',
        );
      });
    });

    test('what was written while admission asked nobody is told of, with what was expected and seen', {
      timeout: MINUTE_MS,
    }, async () => {
      const server = { ...webServer('one'), metadata: { name: 'one', namespace: 'unasked' } };
      const each = '{range .status.conditions[*]}{.type}={.status} {.reason}: {.message};{end}';
      await scene().with([UNASKED, server, ...REFUSABLE.map(([denied]) => denied)], async () => {
        for (const [{ kind, metadata }, wanted] of REFUSABLE)
          await eventually(`${kind} ${metadata.name}: ${wanted}`, 15_000, async () => {
            const text = await scene().kubectl(`-n unasked get ${kind} ${metadata.name} -o jsonpath='${each}'`);
            if (text.replaceAll(': ;', ':;') !== wanted) throw new Error(`has ${text}`);
            return true;
          });
      });
    });

    test('a GRPCRoute goes before an HTTPRoute of the same parent, in status as in the data plane', {
      timeout: MINUTE_MS,
    }, async () => {
      const http = object('HTTPRoute', 'h', { parentRefs: [service('api')], rules: [{}] });
      const grpc = object('GRPCRoute', 'g', { parentRefs: [service('api')], rules: [{}] });
      await scene().with([http, grpc], async () => {
        await accepted('grpcroutes.gateway.networking.k8s.io/g', { api: 'True/Accepted' });
        await accepted('httproutes.policy.linkerd.io/h', { api: 'False/RouteReasonConflicted' });
        assert.deepEqual(routeNames(await scene().policy('api', 80)), ['Grpc', 'g']);
        // The server knows no gRPC: which route the client's proxy took for the call is what is looked at.
        const call = '--http2-prior-knowledge -H "content-type: application/grpc" -H "te: trailers" -d ""';
        await scene().counts('alpha', 'g', () => scene().ask('alpha', 'http://api.shop/some.Service/Call', call));
        await scene().remove([grpc]);
        await accepted('httproutes.policy.linkerd.io/h', { api: 'True/Accepted' });
        await scene().policyBecomes('api', 80, ['Detect', 'h']);
      });
    });
  });
}
