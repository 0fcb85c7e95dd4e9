import { Fault, type FaultCode } from '#model/faults';
import { HTTP2_ERROR, http2ErrorName } from '#wire/http2';

/** Codes of resets that have a fault of their own; all others are `stream-reset`. */
const FAULT_OF_RESET: Readonly<Record<number, FaultCode>> = {
  [HTTP2_ERROR.CANCEL]: 'stream-cancelled',
  [HTTP2_ERROR.REFUSED_STREAM]: 'stream-refused',
  [HTTP2_ERROR.ENHANCE_YOUR_CALM]: 'stream-calm',
};

/** What a server's reset of a stream amounts to; clients of HTTP/2 get the same reset. */
export function faultOfReset(code: number): Fault {
  const fault = new Fault(FAULT_OF_RESET[code] ?? 'stream-reset', http2ErrorName(code));
  fault.http2Code = code;
  return fault;
}

/** The same for a request that came by HTTP/1: its client gets a response. */
export function faultOfUpgradedReset(code: number): Fault {
  return new Fault(code === HTTP2_ERROR.REFUSED_STREAM ? 'stream-refused' : 'upgraded-reset', http2ErrorName(code));
}
