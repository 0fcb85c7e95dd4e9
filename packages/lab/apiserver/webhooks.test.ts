import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { AnyObject } from '#api/kube';
import { createAuthority, issueLeaf, type KeyPairPem } from '#lab/auth';
import type { ApiError } from '#lab/contract';
import { type LoopbackServer, startLoopbackServer } from './loopback.fake.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' };
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const webhookGvr = (resource: string) => ({ group: 'admissionregistration.k8s.io', version: 'v1', resource });

type Review = {
  request: { uid: string; operation: string; object: AnyObject; oldObject: AnyObject; name?: string; dryRun: boolean };
};

let lab: LoopbackServer;
let authority: KeyPairPem;
let hook: Server;
let asked: Review['request'][] = [];
let respond: (request: Review['request']) => object | undefined = () => ({ allowed: true });

before(async () => {
  lab = await startLoopbackServer();
  authority = await createAuthority('hooks', Date.now());
  const leaf = await issueLeaf(
    authority,
    { commonName: 'h', usage: 'server', names: ['hook.default.svc', '127.0.0.1'] },
    Date.now(),
  );
  hook = createServer({ key: leaf.key, cert: leaf.certificate, minVersion: 'TLSv1.3' }, (request, reply) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const review = JSON.parse(body) as Review;
      asked.push(review.request);
      const response = respond(review.request);
      if (!response) return;
      reply.end(JSON.stringify({ ...review, response: { uid: review.request.uid, ...response } }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  await lab.client.create({ group: '', version: 'v1', resource: 'services' }, {
    metadata: { name: 'hook', namespace: 'default' },
    spec: { ports: [{ port: 443 }] },
  } as AnyObject);
  await lab.client.create({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' }, {
    metadata: { name: 'hook-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: (hook.address() as AddressInfo).port, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
  } as AnyObject);
  await lab.client.create(
    { group: '', version: 'v1', resource: 'serviceaccounts' },
    {
      metadata: { name: 'default', namespace: 'default' },
    },
  );
});

after(async () => {
  hook.close();
  await lab.close();
});

async function withHook(kind: 'Mutating' | 'Validating', fields: object, work: () => Promise<void>): Promise<void> {
  const resource = webhookGvr(`${kind.toLowerCase()}webhookconfigurations`);
  asked = [];
  await lab.client.create(resource, {
    metadata: { name: 'test' },
    webhooks: [
      {
        name: 'hook.example.com',
        clientConfig: {
          service: { namespace: 'default', name: 'hook', path: '/hook' },
          caBundle: Buffer.from(authority.certificate).toString('base64'),
        },
        rules: [
          { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods', 'configmaps'] },
        ],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...fields,
      },
    ],
  } as AnyObject);
  try {
    await work();
  } finally {
    await lab.client.delete(resource, { name: 'test' });
    respond = () => ({ allowed: true });
  }
}

const configMap = (name: string, labels: Record<string, string> = {}): AnyObject => ({
  metadata: { name, namespace: 'default', labels },
});
const message = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => assert.fail('should have been refused'),
    (error: ApiError) => `${error.code} ${error.message}`,
  );

test('a mutating webhook on TLS 1.3 changes what is stored, and defaults are filled in again behind it', async () => {
  await withHook('Mutating', {}, async () => {
    const patch = [
      { op: 'add', path: '/spec/containers/-', value: { name: 'proxy', image: 'p' } },
      { op: 'add', path: '/metadata/annotations', value: { injected: 'yes' } },
    ];
    respond = () => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    });
    const pod = {
      metadata: { generateName: 'a-', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    const made = await lab.client.create<AnyObject>(PODS, pod);
    const { containers, volumes } = made['spec'] as {
      containers: Record<string, unknown>[];
      volumes: { name: string }[];
    };
    assert.equal(containers[1]?.['terminationMessagePath'], '/dev/termination-log');
    assert.equal(made.metadata.annotations?.['injected'], 'yes');
    assert.match(volumes[0]?.name ?? '', /^kube-api-access-/);
    assert.equal(asked.length, 1);
    assert.equal(asked[0]?.name, undefined);
    assert.equal(asked[0]?.object.kind, 'Pod');
    assert.equal((asked[0]!.object['spec'] as { serviceAccountName: string }).serviceAccountName, 'default');
  });
});

test('a denial carries the texts of Kubernetes', async () => {
  await withHook('Validating', {}, async () => {
    respond = () => ({ allowed: false, status: { code: 403, message: 'no way' } });
    assert.equal(
      await message(lab.client.create(CONFIG_MAPS, configMap('denied'))),
      '403 admission webhook "hook.example.com" denied the request: no way',
    );
    respond = () => ({ allowed: false });
    assert.equal(
      await message(lab.client.create(CONFIG_MAPS, configMap('denied'))),
      '400 admission webhook "hook.example.com" denied the request without explanation',
    );
  });
});

test('selectors and match conditions keep requests from a webhook', async () => {
  const conditions = [{ name: 'named', expression: "object.metadata.name.startsWith('seen')" }];
  const objectSelector = { matchLabels: { hook: 'yes' } };
  await withHook('Validating', { objectSelector, matchConditions: conditions }, async () => {
    await lab.client.create(CONFIG_MAPS, configMap('seen-1'));
    await lab.client.create(CONFIG_MAPS, configMap('other', { hook: 'yes' }));
    await lab.client.create(CONFIG_MAPS, configMap('seen-2', { hook: 'yes' }));
    assert.deepEqual(
      asked.map(({ object }) => object.metadata.name),
      ['seen-2'],
    );
  });
  await withHook(
    'Validating',
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['default'] }],
      },
    },
    async () => {
      await lab.client.create(CONFIG_MAPS, configMap('unseen'));
      assert.equal(asked.length, 0);
    },
  );
});

test('a webhook that cannot be asked fails the request, or is passed over if it says so', async () => {
  const wrongName = { service: { namespace: 'kube-system', name: 'hook' }, caBundle: '' };
  await withHook('Validating', { clientConfig: wrongName }, async () => {
    assert.equal(
      await message(lab.client.create(CONFIG_MAPS, configMap('failed'))),
      '500 Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: ' +
        'Post "https://hook.kube-system.svc:443/?timeout=10s": service "hook" not found',
    );
  });
  const stranger = await createAuthority('stranger', Date.now());
  const service = { namespace: 'default', name: 'hook', path: '/hook' };
  const untrusted = { service, caBundle: Buffer.from(stranger.certificate).toString('base64') };
  await withHook('Validating', { clientConfig: untrusted }, async () => {
    assert.match(
      await message(lab.client.create(CONFIG_MAPS, configMap('failed'))),
      /tls: failed to verify certificate: /,
    );
  });
  await withHook('Validating', { clientConfig: untrusted, failurePolicy: 'Ignore' }, async () => {
    await lab.client.create(CONFIG_MAPS, configMap('open'));
  });
});

test('a webhook that does not answer in time fails with the deadline', async () => {
  await withHook('Validating', { timeoutSeconds: 1 }, async () => {
    respond = () => undefined;
    assert.match(
      await message(lab.client.create(CONFIG_MAPS, configMap('slow'))),
      /timeout=1s": context deadline exceeded$/,
    );
  });
});

test('a webhook that names another version of the same objects sees them in that version', async () => {
  const autoscalers = { group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' };
  const autoscaler = (name: string): AnyObject => ({
    metadata: { name, namespace: 'default' },
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } },
  });
  const rules = [
    {
      operations: ['CREATE'],
      apiGroups: ['autoscaling'],
      apiVersions: ['v1'],
      resources: ['horizontalpodautoscalers'],
    },
  ];
  await withHook('Mutating', { rules }, async () => {
    const patch = [{ op: 'add', path: '/spec/targetCPUUtilizationPercentage', value: 55 }];
    respond = () => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    });
    const made = await lab.client.create<AnyObject>(autoscalers, autoscaler('equal'));
    assert.equal(asked[0]?.object.apiVersion, 'autoscaling/v1');
    const { metrics } = made['spec'] as { metrics: { resource: { target: { averageUtilization: number } } }[] };
    assert.equal(metrics[0]?.resource.target.averageUtilization, 55);
    assert.equal(made.apiVersion, 'autoscaling/v2');
  });
  await withHook('Mutating', { rules, matchPolicy: 'Exact' }, async () => {
    await lab.client.create(autoscalers, autoscaler('exact'));
    assert.equal(asked.length, 0);
  });
});

test('a webhook by URL may be an address, which its certificate must bear', async () => {
  const caBundle = Buffer.from(authority.certificate).toString('base64');
  const { port } = hook.address() as AddressInfo;
  const at = (host: string) => ({ clientConfig: { url: `https://${host}:${port}/hook`, caBundle } });
  await withHook('Validating', at('127.0.0.1'), async () => {
    await lab.client.create(CONFIG_MAPS, configMap('by-address'));
    assert.equal(asked.length, 1);
  });
  await withHook('Validating', at('127.0.0.2'), async () => {
    // The server listens on one address only, so the connection is told from the name that it must have.
    const refused = await message(lab.client.create(CONFIG_MAPS, configMap('by-other-address')));
    assert.match(refused, /failed calling webhook/);
  });
  await withHook('Validating', at('localhost'), async () => {
    const refused = await message(lab.client.create(CONFIG_MAPS, configMap('by-name')));
    assert.match(refused, /failed to verify certificate.*localhost/);
  });
});

test('a policy in CEL denies, warns or passes over what it is bound to', async () => {
  const policies = webhookGvr('validatingadmissionpolicies');
  const bindings = webhookGvr('validatingadmissionpolicybindings');
  const policy = await lab.client.create<AnyObject>(policies, {
    metadata: { name: 'small' },
    spec: {
      matchConstraints: {
        resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      },
      matchConditions: [{ name: 'named', expression: "object.metadata.name.startsWith('policy')" }],
      variables: [{ name: 'keys', expression: 'has(object.data) ? size(object.data) : 0' }],
      validations: [
        { expression: 'variables.keys <= 1', messageExpression: "'too many keys: ' + string(variables.keys)" },
      ],
    },
  } as AnyObject);
  const two = (name: string): AnyObject => ({ ...configMap(name), data: { a: '1', b: '2' } });
  await lab.client.create(CONFIG_MAPS, two('policy-unbound'));
  await lab.client.create(bindings, {
    metadata: { name: 'everywhere' },
    spec: { policyName: 'small', validationActions: ['Deny'] },
  } as AnyObject);
  assert.equal(
    await message(lab.client.create(CONFIG_MAPS, two('policy-denied'))),
    "422 configmaps \"policy-denied\" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'everywhere' denied request: too many keys: 2",
  );
  await lab.client.create(CONFIG_MAPS, two('unmatched'));
  await lab.client.create(CONFIG_MAPS, configMap('policy-fits'));
  const spec = { ...(policy['spec'] as object), validations: [{ expression: 'object.nothing == 1' }] };
  await lab.client.update(policies, { ...policy, spec } as AnyObject);
  assert.match(
    await message(lab.client.create(CONFIG_MAPS, configMap('policy-broken'))),
    /resulted in error: no such key/,
  );
  await lab.client.delete(bindings, { name: 'everywhere' });
});
