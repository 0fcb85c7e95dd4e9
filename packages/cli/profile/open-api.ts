import { parse } from 'yaml';
import { UserError } from '../context.ts';
import { type ProfileName, type ProfileRoute, profileObject, quoteRegex } from './profile.ts';

interface Operation {
  responses?: Record<string, unknown>;
  'x-linkerd-retryable'?: unknown;
  'x-linkerd-timeout'?: unknown;
}
interface Document {
  swagger?: unknown;
  openapi?: unknown;
  basePath?: string;
  servers?: { url?: string }[];
  paths?: Record<string, Record<string, Operation | undefined>>;
}

/** In the order of their routes. */
const METHODS = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put'] as const;
const SERVER_ERROR = 500;

/** A profile of an OpenAPI document (2.0, or 3 with the path of its first server), in YAML or JSON. Throws what is wrong. */
export function profileFromOpenApi(text: string, name: ProfileName): object {
  const document = read(text);
  const base = basePath(document).replace(/\/+$/, '');
  const routes = Object.keys(document.paths ?? {})
    .sort()
    .flatMap((relative) => {
      const path = `${base}/${relative.replace(/^\/+/, '')}`;
      const item = document.paths?.[relative] ?? {};
      return METHODS.flatMap((method) => (item[method] ? [route(method.toUpperCase(), path, item[method])] : []));
    });
  return profileObject(name, routes);
}

function read(text: string): Document {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new UserError(`Error parsing OpenAPI spec: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || !('swagger' in value || 'openapi' in value || 'paths' in value))
    throw new UserError('Error parsing OpenAPI spec: expected a document with "swagger" or "openapi", and "paths"');
  return value as Document;
}

function basePath({ basePath: path, servers }: Document): string {
  if (path !== undefined) return path;
  const url = servers?.[0]?.url ?? '';
  return url.includes('://') ? url.replace(/^[^:]+:\/\/[^/]*/, '') : url;
}

/** `/users/{id}` -> `/users/[^/]*`. */
const pathRegex = (path: string): string =>
  path
    .split(/(\{[^}]*\})/)
    .map((part) => (/^\{.*\}$/.test(part) ? '[^/]*' : quoteRegex(part)))
    .join('');

function route(method: string, path: string, operation: Operation): ProfileRoute {
  const statuses = Object.keys(operation.responses ?? {})
    .filter((status) => /^\d{3}$/.test(status))
    .map(Number)
    .sort((a, b) => a - b);
  const timeout = operation['x-linkerd-timeout'];
  return {
    name: `${method} ${path}`,
    condition: { method, pathRegex: pathRegex(path) },
    ...(operation['x-linkerd-retryable'] === true && { isRetryable: true as const }),
    ...(statuses.length > 0 && {
      responseClasses: statuses.map((status) => ({
        condition: { status: { min: status, max: status } },
        ...(status >= SERVER_ERROR && { isFailure: true as const }),
      })),
    }),
    ...(typeof timeout === 'string' && { timeout }),
  };
}
