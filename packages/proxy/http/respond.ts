import { FAULTS, type Fault } from '#model/faults';
import { Field, type HttpVersion, type ResponseHead } from '#wire/fields';
import { FIELD } from '#wire/http1';
import { ID } from './names.ts';

/** What a synthesized response depends on beside its fault. */
export interface Asked {
  readonly version: HttpVersion;
  /** Answer in gRPC's form. */
  readonly isGrpc: boolean;
  /** Say why in `l5d-proxy-error` or `grpc-message`. */
  readonly explain: boolean;
  /** The client's connection ends after this response. */
  readonly closes: boolean;
}

const NO_LENGTH = new Field(FIELD['content-length'], 'content-length', '0');
const GRPC_TYPE = new Field(ID.contentType, 'content-type', 'application/grpc');
const PEER_CLOSE = new Field(ID.proxyConnection, 'l5d-proxy-connection', 'close');

/** The status that a client sees for a fault. */
export function faultStatus(fault: Fault): number {
  return fault.status ?? FAULTS[fault.code].status;
}

/** The gRPC status of a fault. */
export function faultGrpcStatus(fault: Fault): number {
  return fault.grpc ?? FAULTS[fault.code].grpc;
}

/**
 * The head of the response that the proxy makes for a fault, which has no body. A proxy before us learns by
 * `l5d-proxy-connection` that its client's connection shall end too. Source: Linkerd proxy, error responses.
 */
export function faultHead(fault: Fault, { version, isGrpc, explain, closes }: Asked): ResponseHead {
  const fields: Field[] = [];
  if (isGrpc) fields.push(GRPC_TYPE, ...faultTrailers(fault, explain));
  if (fault.location !== undefined) fields.push(new Field(ID.location, 'location', headerText(fault.location)));
  if (explain) fields.push(new Field(ID.proxyError, 'l5d-proxy-error', headerText(fault.message)));
  if (closes && explain) fields.push(PEER_CLOSE);
  if (!isGrpc) fields.push(NO_LENGTH);
  return { version, status: isGrpc ? 200 : faultStatus(fault), upgrade: '', fields, contentLength: isGrpc ? -1 : 0 };
}

/** The trailers that end a gRPC response which a fault broke off. */
export function faultTrailers(fault: Fault, explain: boolean): Field[] {
  const status = new Field(ID.grpcStatus, 'grpc-status', String(faultGrpcStatus(fault)));
  return explain ? [status, new Field(ID.grpcMessage, 'grpc-message', grpcText(fault.message))] : [status];
}

/** A location may be a whole URL; errors stay far below. */
const ERROR_TEXT_MAX = 2_048;

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, ERROR_TEXT_MAX);
}

/** Percent-encoded as gRPC wants it (gRPC over HTTP/2, `Status-Message`). */
function grpcText(text: string): string {
  return headerText(text).replace(/%/g, '%25');
}
