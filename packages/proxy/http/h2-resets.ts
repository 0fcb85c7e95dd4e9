import { Fault, type FaultCode } from '#model/faults';

/** Error codes of HTTP/2 that the proxy itself says (RFC 9113 section 7). */
export const H2 = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  refusedStream: 0x7,
  cancel: 0x8,
  enhanceYourCalm: 0xb,
} as const;

const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** Name of an error code, for operators. */
export function h2CodeName(code: number): string {
  return NAMES[code] ?? `code ${code}`;
}

/** Codes of resets that have a fault of their own; all others are `stream-reset`. */
const FAULT_OF_RESET: Readonly<Record<number, FaultCode>> = {
  [H2.cancel]: 'stream-cancelled',
  [H2.refusedStream]: 'stream-refused',
  [H2.enhanceYourCalm]: 'stream-calm',
};

/** What a server's reset of a stream amounts to; clients of HTTP/2 get the same reset. */
export function faultOfReset(code: number): Fault {
  const fault = new Fault(FAULT_OF_RESET[code] ?? 'stream-reset', h2CodeName(code));
  fault.http2Code = code;
  return fault;
}

/** The same for a request that came by HTTP/1: its client gets a response. */
export function faultOfUpgradedReset(code: number): Fault {
  return new Fault(code === H2.refusedStream ? 'stream-refused' : 'upgraded-reset', h2CodeName(code));
}

/** Faults that a client of HTTP/2 sees as another reset than INTERNAL_ERROR when its response cannot be completed. */
const RESET_OF_FAULT: Partial<Record<FaultCode, number>> = {
  'client-gone': H2.cancel,
  'load-shed': H2.refusedStream,
  'stream-calm': H2.enhanceYourCalm,
  'stream-cancelled': H2.cancel,
  'stream-refused': H2.refusedStream,
};

/** The reset that tells a client of HTTP/2 that a response broke off, or a server that nobody waits for it. */
export function resetOfFault(code: FaultCode | undefined): number {
  return (code !== undefined && RESET_OF_FAULT[code]) || H2.internalError;
}
