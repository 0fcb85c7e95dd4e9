import { FAULTS, type Fault } from '#model/faults';

const REASONS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
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
  const status = fault.status ?? FAULTS[fault.code].status;
  const lines = [`HTTP/1.1 ${status} ${REASONS[status] ?? 'Error'}`];
  if (fault.location !== undefined) lines.push(`location: ${headerText(fault.location)}`);
  if (explain) lines.push(`l5d-proxy-error: ${headerText(fault.message)}`);
  if (closes) lines.push('connection: close');
  if (closes && explain) lines.push('l5d-proxy-connection: close');
  lines.push('content-length: 0', '', '');
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** A location may be a whole URL; errors stay far below. */
const ERROR_TEXT_MAX = 2_048;

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, ERROR_TEXT_MAX);
}
