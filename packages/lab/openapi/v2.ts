/** OpenAPI 2: everything in one document, as kubectl up to 1.28 and Argo CD read it. */

import { type Operation, operationsOf, type Parameter, pathParameters } from './operations.ts';
import { SchemaCollector, V2 } from './schemas.ts';
import type { Json, Served } from './served.ts';
import { swaggerProtobuf } from './v2-protobuf.ts';
import { bodySchema, hashOf, type OpenApiDocument, operationId } from './v3.ts';

/** Media type of the binary form, as clients ask for it and, spelled with a dot, as servers answer. */
export const OPENAPI_V2_PROTOBUF = {
  accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
} as const;

/** Serves the document of a set of resources that changes over time; it is written on demand. */
export class OpenApiV2 {
  readonly #gitVersion: string;
  #resources: readonly Served[] = [];
  #hash = '';
  #document: Json | undefined;
  #json: string | undefined;
  #protobuf: Uint8Array | undefined;

  /** @param gitVersion e.g. `v1.34.4+weft` */
  constructor(gitVersion: string) {
    this.#gitVersion = gitVersion;
  }

  /** Replaces the set of served resources. */
  update(resources: Iterable<Served>): void {
    this.#resources = [...resources];
    const hash = hashOf(this.#gitVersion, this.#resources);
    if (hash === this.#hash) return;
    this.#hash = hash;
    this.#document = undefined;
    this.#json = undefined;
    this.#protobuf = undefined;
  }

  /** GET /openapi/v2 as JSON. */
  json(): OpenApiDocument {
    this.#json ??= JSON.stringify(this.#current());
    return { body: this.#json, hash: this.#hash };
  }

  /** GET /openapi/v2 in gnostic's protobuf form. */
  protobuf(): { readonly body: Uint8Array; readonly hash: string } {
    this.#protobuf ??= swaggerProtobuf(this.#current());
    return { body: this.#protobuf, hash: this.#hash };
  }

  #current(): Json {
    this.#document ??= swagger(this.#resources, this.#gitVersion);
    return this.#document;
  }
}

function swagger(resources: readonly Served[], gitVersion: string): Json {
  const collector = new SchemaCollector(V2);
  const paths: Record<string, Json> = {};
  for (const resource of resources)
    for (const operation of operationsOf(resource)) {
      paths[operation.path] ??= { parameters: pathParameters(operation.path).map(parameter) };
      (paths[operation.path] as Json)[operation.method] = writeOperation(operation, resource, collector);
    }
  return { swagger: '2.0', info: { title: 'Kubernetes', version: gitVersion }, paths, definitions: collector.schemas };
}

const parameter = ({ name, in: where, type }: Parameter): Json => ({
  name,
  in: where,
  type,
  uniqueItems: true,
  ...(where === 'path' && { required: true }),
});

function writeOperation(operation: Operation, resource: Served, collector: SchemaCollector): Json {
  const { request, answer, consumes } = operation;
  const body = request && {
    name: 'body',
    in: 'body',
    required: true,
    schema: bodySchema(request, resource, collector),
  };
  const schema = answer === 'text' ? { type: 'string' } : bodySchema(answer, resource, collector);
  return {
    operationId: operationId(operation, resource),
    consumes: consumes ?? ['*/*'],
    produces: [answer === 'text' ? 'text/plain' : 'application/json'],
    parameters: [...(body ? [body] : []), ...operation.parameters.map(parameter)],
    responses: { 200: { description: 'OK', schema } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  };
}
