import { FAULTS, type Fault } from '#model/faults';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

/**
 * The response that the proxy makes for a fault: no body. `explain` adds `l5d-proxy-error`; `closes` says that the connection
 * ends, to the client and, in `l5d-proxy-connection`, to a proxy before us.
 */
export function faultResponse(fault: Fault, closes: boolean, explain: boolean): Buffer {
  const { status } = FAULTS[fault.code];
  const lines = [`HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`];
  if (explain) lines.push(`l5d-proxy-error: ${headerText(fault.message)}`);
  if (closes) lines.push('connection: close');
  if (closes && explain) lines.push('l5d-proxy-connection: close');
  lines.push('content-length: 0', '', '');
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

const ERROR_TEXT_MAX = 256;

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, ERROR_TEXT_MAX);
}
