/**
 * Request bodies in Kubernetes' protobuf form: the four bytes `k8s\0`, then a runtime.Unknown with the kind's name and its
 * message. Decoding only: answers are JSON, which every client takes.
 */
import { DecodeFault, toNormalForm } from '../normal-form.ts';
import { builtins, type TypeRegistry } from '../types.ts';
import { BYTES, Reader, WireFault } from './reader.ts';
import { StructDecoder } from './structs.ts';

const MAGIC = Buffer.from('k8s\0', 'latin1');
const SHARED = { group: 'meta.k8s.io', version: 'v1' } as const;

/** Whether a body starts like a protobuf object. */
export const isProtobuf = (body: Uint8Array): boolean => MAGIC.equals(body.subarray(0, MAGIC.length));

/**
 * Decodes one object to JSON in normal form, with `apiVersion` and `kind` from the envelope. Throws {@link DecodeFault} for
 * malformed bytes and for kinds that no table knows (custom resources have no protobuf form).
 */
export function decodeProtobuf(body: Uint8Array, registry: TypeRegistry = builtins): Record<string, unknown> {
  try {
    const envelope = readEnvelope(body);
    const type = typeOf(envelope, registry);
    const message = new StructDecoder(registry).struct(type, new Reader(envelope.raw));
    return toNormalForm(type, { ...message, apiVersion: envelope.apiVersion, kind: envelope.kind }, { registry })
      .object;
  } catch (fault) {
    if (fault instanceof WireFault) throw new DecodeFault(fault.message);
    throw fault;
  }
}

interface Envelope {
  apiVersion: string;
  kind: string;
  raw: Uint8Array;
}

function readEnvelope(body: Uint8Array): Envelope {
  if (!isProtobuf(body))
    throw new DecodeFault('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  const envelope: Envelope = { apiVersion: '', kind: '', raw: new Uint8Array() };
  const reader = new Reader(body, MAGIC.length);
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (number === 1 && wire === BYTES) readTypeMeta(reader.message(), envelope);
    else if (number === 2 && wire === BYTES) envelope.raw = reader.message().rest();
    else reader.skip(wire);
  }
  return envelope;
}

function readTypeMeta(reader: Reader, into: Envelope): void {
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (number === 1 && wire === BYTES) into.apiVersion = reader.text();
    else if (number === 2 && wire === BYTES) into.kind = reader.text();
    else reader.skip(wire);
  }
}

/** Options such as DeleteOptions travel under any group's name. */
function typeOf({ apiVersion, kind }: Envelope, registry: TypeRegistry): string {
  const slash = apiVersion.indexOf('/');
  const [group, version] = [apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1)];
  const found = registry.findKind(group, version, kind) ?? registry.findKind(SHARED.group, SHARED.version, kind);
  if (!found) throw new DecodeFault(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return found.type;
}
