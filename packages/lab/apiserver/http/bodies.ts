import type { AnyObject } from '#api/kube';
import { ApiError, type PatchType } from '#lab/contract';
import { BodyError, cannotHandle, DecodeError, decodeBody, decodeObject } from '#lab/decode';
import { DecodeFault, decodeProtobuf, isProtobuf } from '#lab/schema';
import { badRequest } from '../errors.ts';
import type { Resource } from '../resource.ts';

type BodyMedia = 'json' | 'yaml' | 'protobuf';

const MEDIA: Readonly<Record<string, BodyMedia>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

const PATCHES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

const mediaOf = (contentType: string | undefined): string => (contentType ?? '').split(';')[0]!.trim().toLowerCase();

/** Without a Content-Type a body is JSON, as upstream. @throws ApiError 415 */
function bodyMedia(contentType: string | undefined, custom: boolean): BodyMedia {
  const media = mediaOf(contentType);
  const found = media === '' ? 'json' : MEDIA[media];
  if (!found || (custom && found === 'protobuf')) throw unsupported(Object.keys(MEDIA).slice(0, custom ? 2 : 3));
  return found;
}

function unsupported(accepted: readonly string[]): ApiError {
  return ApiError.of(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    {},
  );
}

/** A request body as an object, with what it repeated. @throws ApiError 400, 415 */
export function readObject(
  body: Uint8Array,
  contentType: string | undefined,
  expected: { readonly kind: string; readonly custom: boolean },
): { object: AnyObject; duplicates: readonly string[] } {
  const media = bodyMedia(contentType, expected.custom);
  try {
    if (media !== 'protobuf' && !isProtobuf(body)) return decodeObject(body, media, expected.kind);
    return { object: decodeProtobuf(body) as AnyObject, duplicates: [] };
  } catch (error) {
    if (error instanceof BodyError) throw new ApiError(error.status);
    if (error instanceof DecodeFault)
      throw badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${error.message}`);
    throw error;
  }
}

/** Options in a body, e.g. DeleteOptions; an empty body has none. @throws ApiError 400, 415 */
export function readOptions(body: Uint8Array, contentType: string | undefined): Record<string, unknown> {
  if (body.length === 0) return {};
  const media = bodyMedia(contentType, false);
  try {
    if (media === 'protobuf' || isProtobuf(body)) return decodeProtobuf(body);
    const { value } = decodeBody(body, media);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch (error) {
    if (error instanceof DecodeError || error instanceof DecodeFault)
      throw badRequest(`unable to read options: ${error.message}`);
    throw error;
  }
}

/** A patch by its Content-Type. @throws ApiError 400, 415 */
export function readPatch(
  body: Uint8Array,
  contentType: string | undefined,
  resource: Resource,
): { type: PatchType; body: unknown; duplicates: readonly string[] } {
  const type = PATCHES[mediaOf(contentType)];
  const accepted = Object.keys(PATCHES).filter((media) => !resource.custom || PATCHES[media] !== 'strategic');
  if (!type || (resource.custom && type === 'strategic')) throw unsupported(accepted);
  try {
    const { value, duplicates } = decodeBody(body, type === 'apply' ? 'yaml' : 'json');
    return { type, body: value, duplicates };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (type === 'apply') throw badRequest(`error decoding YAML: ${error.message}`);
    const { version } = resource.gvr;
    throw badRequest(cannotHandle({ version, kind: resource.kind }, resource.kind, error.message));
  }
}
