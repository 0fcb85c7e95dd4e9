/** Custom resources as kubectl sees them, from the definition to its removal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeNodesCluster, startFakeNodesCluster } from './cluster.ts';

let cluster: FakeNodesCluster;
before(async () => {
  cluster = await startFakeNodesCluster();
});
after(async () => {
  await cluster.close();
});

const k = (command: string, input?: string): Promise<string> => cluster.kubectl(command, input);
const refused = async (command: string, input?: string): Promise<string> => {
  const { code, stderr } = await cluster.tryKubectl(command, input);
  assert.notEqual(code, 0);
  return stderr;
};

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.oars, statusReplicasPath: .status.oars}}
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Oars, type: integer, jsonPath: .spec.oars, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [oars]
            properties:
              oars: {type: integer, minimum: 0, maximum: 8}
              color: {type: string, default: white, enum: [white, blue]}
            x-kubernetes-validations:
            - {rule: "self.oars % 2 == 0", message: "oars come in pairs"}
            - {rule: "self.color == oldSelf.color", message: "paint is for ever"}
          status: {type: object, properties: {oars: {type: integer}}}
`;
const boat = (name: string, spec: string): string =>
  `apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

test('a definition is served as soon as kubectl has applied it', async () => {
  assert.match(await k('apply -f -', DEFINITION), /created/);
  assert.match(await k('wait --for=condition=Established crd/boats.example.com --timeout=5s'), /condition met/);
  assert.match(await k('api-resources --api-group=example.com'), /boats +bt +example\.com\/v1 +true +Boat/);
  assert.equal(await k('apply -f -', boat('a', '{oars: 2}')), 'boat.example.com/a created\n');
  assert.match(await k('get bt -o wide'), /^NAME +COLOR +OARS +AGE\na +white +2 +\S+\n$/);
  assert.match(await k('get all'), /boat\.example\.com\/a/);
  assert.match(await k('explain boat.spec'), /oars\s+<integer> -required-/);
});

test('what does not fit the schema or its rules is refused with its reason', async () => {
  assert.match(await refused('apply -f -', boat('b', '{}')), /spec\.oars: Required value/);
  assert.match(await refused('apply -f -', boat('b', '{oars: 3}')), /spec: Invalid value: .*: oars come in pairs/);
  assert.match(
    await refused('apply -f -', boat('b', '{oars: 2, color: red}')),
    /spec\.color: Unsupported value: "red": supported values: "white", "blue"/,
  );
  assert.match(
    await refused('apply -f -', boat('b', '{oars: two}')),
    /spec\.oars in body must be of type integer: "string"/,
  );
  assert.match(
    await refused('apply -f -', boat('b', '{oars: 2, sails: 1}')),
    /strict decoding error: unknown field "spec\.sails"/,
  );
  assert.match(await refused('apply -f -', boat('a', '{oars: 2, color: blue}')), /paint is for ever/);
});

test('apply, patch, scale and status work as on built-in kinds', async () => {
  assert.equal(await k('apply -f -', boat('a', '{oars: 2}')), 'boat.example.com/a unchanged\n');
  assert.equal(await k('apply -f -', boat('a', '{oars: 4}')), 'boat.example.com/a configured\n');
  assert.equal(
    await k('apply --server-side --force-conflicts -f -', boat('a', '{oars: 6}')),
    'boat.example.com/a serverside-applied\n',
  );
  assert.equal(await k('scale boat a --replicas=8'), 'boat.example.com/a scaled\n');
  await k('patch boat a --type=merge --subresource=status -p \'{"status":{"oars":8}}\'');
  assert.equal(await k("get boat a -o jsonpath='{.spec.oars} {.status.oars} {.metadata.generation}'"), '8 8 4');
  assert.match(
    await refused(`patch boat a --type=strategic -p '{"spec":{"oars":2}}'`),
    /UnsupportedMediaType|unknown format/,
  );
});

test('removing the definition removes the objects', async () => {
  assert.match(await k('delete crd boats.example.com --timeout=10s'), /deleted/);
  assert.match(
    await refused('get boats'),
    /the server (doesn't have a resource type "boats"|could not find the requested resource)/,
  );
});
