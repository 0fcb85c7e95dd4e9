/** Bodies that must be an object with apiVersion and kind. */
import type { AnyObject, Status } from '#api/kube';
import { badRequest, cannotHandle, DecodeError, strictDecodingError, unrecognized } from './decode-error.ts';
import { type Decoded, parseJson } from './json.ts';
import { parseYaml } from './yaml.ts';

export type BodyFormat = 'json' | 'yaml';

/** UTF-8 with bad bytes replaced, as Go does. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Parses any body (a patch, for instance). Faults: {@link DecodeError}. */
export function decodeBody(body: Uint8Array, format: BodyFormat): Decoded {
  const text = utf8.decode(body);
  return format === 'json' ? parseJson(text) : parseYaml(text);
}

export interface DecodedObject {
  readonly object: AnyObject;
  /** Texts for strict decoding, e.g. `duplicate field "data.a"`. Unknown fields are for the schema to find. */
  readonly duplicates: readonly string[];
}

/** Thrown by {@link decodeObject}: a 400 `Status` with Kubernetes' message. */
export class BodyError extends Error {
  readonly status: Status;

  constructor(message: string) {
    super(message);
    this.name = 'BodyError';
    this.status = badRequest(message);
  }
}

/**
 * Parses a body into an object; `metadata` is there afterwards, if only as `{}`. Faults: {@link BodyError}, e.g.
 * `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: … (7b22…)`.
 */
export function decodeObject(body: Uint8Array, format: BodyFormat, expectedKind: string): DecodedObject {
  const refuse = (cause: string) => new BodyError(unrecognized(body, expectedKind, cause));
  let decoded: Decoded;
  try {
    decoded = decodeBody(body, format);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refuse(
      format === 'json'
        ? `couldn't get version/kind; json parse error: ${error.message}`
        : `error converting YAML to JSON: ${error.message}`,
    );
  }
  const { value, duplicates } = decoded;
  const fault = typeFault(value);
  if (fault) throw refuse(`couldn't get version/kind; json parse error: ${fault}`);
  const object = value as AnyObject;
  for (const [field, name] of [
    ['kind', 'Kind'],
    ['apiVersion', 'apiVersion'],
  ] as const)
    if (!object[field]) throw refuse(`Object '${name}' is missing in '${utf8.decode(body)}'`);
  return { object: withMetadata(object), duplicates };
}

const GO_TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function typeFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return value === null
      ? undefined
      : `json: cannot unmarshal ${jsonType(value)} into Go value of type ${GO_TYPE_META}`;
  for (const field of ['apiVersion', 'kind'] as const) {
    const member = (value as Record<string, unknown>)[field];
    if (member !== undefined && member !== null && typeof member !== 'string')
      return `json: cannot unmarshal ${jsonType(member)} into Go struct field .${field} of type string`;
  }
  return undefined;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function withMetadata(object: AnyObject): AnyObject {
  const { metadata } = object as { metadata?: unknown };
  if (metadata === undefined || metadata === null) return { ...object, metadata: {} };
  if (typeof metadata === 'object' && !Array.isArray(metadata)) return object;
  const [version = ''] = (object.apiVersion ?? '').split('/').slice(-1);
  const cause = `json: cannot unmarshal ${jsonType(metadata)} into Go struct field ${object.kind}.metadata of type v1.ObjectMeta`;
  throw new BodyError(cannotHandle({ version, kind: object.kind ?? '' }, object.kind ?? '', cause));
}

/** What strict validation answers where fields are unknown or repeated: 400 with all of them. */
export function strictFault(object: AnyObject, expectedKind: string, faults: readonly string[]): BodyError {
  const [version = ''] = (object.apiVersion ?? '').split('/').slice(-1);
  return new BodyError(cannotHandle({ version, kind: object.kind ?? '' }, expectedKind, strictDecodingError(faults)));
}
