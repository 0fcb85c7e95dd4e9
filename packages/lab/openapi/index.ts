/**
 * What the API server tells of itself: discovery documents and OpenAPI, as pure functions from the served resources to JSON.
 */
export * from './discovery.ts';
export * from './negotiate.ts';
export type { Served } from './served.ts';
export { OPENAPI_V2_PROTOBUF, OpenApiV2 } from './v2.ts';
export { type OpenApiDocument, OpenApiV3 } from './v3.ts';
