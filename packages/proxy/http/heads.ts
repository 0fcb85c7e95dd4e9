import type { Field, RequestHead, ResponseHead } from '#wire/fields';
import { FIELD } from '#wire/http1';
import { fieldValue, ID } from './names.ts';

/** Changes that a route makes to the final head of a response. */
export interface ResponseEdit {
  apply(head: ResponseHead): void;
}

/** Stands for the head before the first request. */
export const NO_REQUEST: RequestHead = {
  version: 11,
  method: '',
  scheme: '',
  authority: '',
  path: '',
  absoluteForm: false,
  upgrade: '',
  fields: [],
  contentLength: -1,
};

/** A proxy that answered itself wants the connection of the client closed. */
export function closesPeer(fields: readonly Field[]): boolean {
  return fieldValue(fields, ID.proxyConnection)?.toLowerCase() === 'close';
}

/** Takes out what a response without body must not say (RFC 9110 section 8.6); parsers differ about those that say it. */
export function dropLength(head: ResponseHead): void {
  if (head.contentLength < 0) return;
  head.contentLength = -1;
  head.fields = head.fields.filter(({ id }) => id !== FIELD['content-length']);
}

/** The gRPC status in a head or in trailers; -1: not told, or no number. */
export function grpcStatusOf(fields: readonly Field[]): number {
  const text = fieldValue(fields, ID.grpcStatus);
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : -1;
}

/** A head that can be changed without changing the one it was copied from. */
export function copyHead(head: RequestHead): RequestHead {
  return { ...head, fields: head.fields.slice() };
}
