/**
 * Request bodies to objects: strict JSON and YAML 1.1, repeated keys reported, big integers kept, faults worded as the API
 * server words them. Whether a field is known is for the schema; `strictFault` words both together.
 */
export { badRequest, cannotHandle, DecodeError, strictDecodingError, unrecognized } from './decode-error.ts';
export { type Decoded, encodeJson, parseJson } from './json.ts';
export {
  BodyError,
  type BodyFormat,
  type DecodedObject,
  decodeBody,
  decodeObject,
  strictFault,
} from './object.ts';
export { parseYaml } from './yaml.ts';
