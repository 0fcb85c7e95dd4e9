/**
 * Every way in which a proxy refuses or fails a request or connection: who is to blame, whether another endpoint may be tried,
 * and what the client sees. A row is one-to-one: code, response and metric label belong together.
 */
export interface FaultRow {
  readonly side: 'downstream' | 'upstream' | 'control' | 'self';
  /** May the request go to another endpoint? `if-unsent`: only when no byte of it reached one. */
  readonly retry: 'never' | 'if-unsent' | 'if-reused';
  readonly status: number;
  /** gRPC status number for gRPC requests. */
  readonly grpc: number;
  /** The client's connection closes with the response. */
  readonly closes: boolean;
  /** Value of the label `error` of inbound_http_errors_total and the like; absent: not counted there. */
  readonly label: string | undefined;
  /** What the operator reads; details are appended. */
  readonly text: string;
}

export const FAULTS = {
  'head-too-large': row('downstream', 'never', 431, 3, true, 'unexpected', 'the request head is larger than allowed'),
  'bad-request': row('downstream', 'never', 400, 3, true, 'unexpected', 'malformed HTTP/1 message'),
  unauthorized: row('downstream', 'never', 403, 7, false, undefined, 'unauthorized request on route'),
  'unauthorized-connection': row('downstream', 'never', 403, 7, true, undefined, 'unauthorized connection'),
  'route-not-found': row('downstream', 'never', 404, 5, false, undefined, 'no route found for request'),
  'bad-gateway-domain': row('downstream', 'never', 404, 5, false, 'gateway domain invalid', 'bad gateway domain'),
  'not-exported': row(
    'downstream',
    'never',
    404,
    5,
    false,
    'gateway service not exported',
    'the service is not exported to other clusters',
  ),
  injected: row('self', 'never', 500, 9, false, undefined, 'injected failure'),
  redirected: row('self', 'never', 301, 5, false, undefined, 'redirected'),
  'rate-limited': row('downstream', 'never', 429, 8, false, undefined, 'rate limit exceeded'),
  loop: row('self', 'never', 508, 10, true, 'unexpected', 'the connection is addressed to the proxy itself'),
  'gateway-loop': row('downstream', 'never', 508, 10, true, 'gateway loop', 'gateway loop detected'),
  'bad-dst-override': row(
    'downstream',
    'never',
    400,
    3,
    false,
    'unexpected',
    'l5d-dst-override is not a valid host:port',
  ),
  'discovery-required': row(
    'control',
    'never',
    502,
    14,
    false,
    'unexpected',
    'ingress-mode routing requires discovery',
  ),
  'sni-required': row('downstream', 'never', 421, 9, true, 'unexpected', 'TLS routes require a server name'),
  'invalid-policy': row('control', 'never', 500, 13, true, 'unexpected', 'invalid policy configuration'),
  'filter-failure': row('self', 'never', 500, 13, true, 'unexpected', 'a route filter failed'),
  'connect-refused': row('upstream', 'if-unsent', 502, 14, true, 'i/o', 'connect error'),
  'connect-timeout': row('upstream', 'if-unsent', 504, 4, true, 'i/o', 'connect timed out'),
  'identity-mismatch': row(
    'upstream',
    'if-unsent',
    502,
    14,
    true,
    'identity required',
    'the server is not who it should be',
  ),
  'identity-required': row('upstream', 'never', 502, 14, true, 'identity required', 'required id'),
  'tls-handshake': row('upstream', 'if-unsent', 502, 14, true, 'i/o', 'TLS handshake failed'),
  'upstream-reset': row('upstream', 'if-reused', 502, 14, true, 'i/o', 'the server closed the connection'),
  'upstream-malformed': row('upstream', 'never', 502, 14, true, 'i/o', 'the server sent a malformed response'),
  'stream-cancelled': row('upstream', 'never', 502, 1, false, 'i/o', 'the server cancelled the stream'),
  'stream-refused': row('upstream', 'if-unsent', 502, 14, false, 'i/o', 'the server refused the stream'),
  'stream-calm': row('upstream', 'never', 502, 8, false, 'i/o', 'the server asked for fewer requests'),
  'stream-reset': row('upstream', 'never', 502, 13, false, 'i/o', 'the server reset the stream'),
  'stream-goaway': row('upstream', 'if-unsent', 502, 14, false, 'i/o', 'the server takes no more streams'),
  'upgraded-reset': row('upstream', 'never', 502, 14, true, 'i/o', 'upgraded connection failed with HTTP/2 reset'),
  'h2-keep-alive': row('upstream', 'if-reused', 502, 14, true, 'i/o', 'the server did not answer a ping'),
  'h2-client-malformed': row('downstream', 'never', 400, 3, true, 'unexpected', 'malformed HTTP/2 connection'),
  'h2-client-silent': row('downstream', 'never', 408, 1, true, undefined, 'the client did not answer a ping'),
  'no-backend': row('control', 'never', 502, 14, true, 'unexpected', 'backend has no dispatcher'),
  'fail-fast': row('upstream', 'never', 504, 4, true, 'failfast', 'service in fail-fast'),
  'load-shed': row('self', 'never', 503, 14, true, 'loadshed', 'service unavailable'),
  'request-timeout': row('self', 'never', 504, 4, false, 'response timeout', 'the request timed out'),
  'response-timeout': row('upstream', 'never', 504, 4, false, 'response timeout', 'the response timed out'),
  'response-headers-timeout': row(
    'upstream',
    'never',
    504,
    4,
    false,
    'response timeout',
    'the response did not begin in time',
  ),
  'idle-timeout': row('self', 'never', 504, 4, false, 'response timeout', 'nothing came either way for too long'),
  'profile-timeout': row('upstream', 'never', 504, 4, true, 'response timeout', 'the profile allows no more time'),
  'slow-client': row('downstream', 'never', 408, 4, true, 'unexpected', 'the request head did not come in time'),
  'client-gone': row('downstream', 'never', 499, 1, true, undefined, 'the client closed the connection'),
  'forged-client': row(
    'downstream',
    'never',
    403,
    16,
    true,
    'unexpected',
    'the client certificate does not chain to the trust anchors',
  ),
  'tls-detect-timeout': row('downstream', 'never', 408, 4, true, 'tls detection timeout', 'TLS detection timed out'),
  'no-original-destination': row('self', 'never', 500, 13, true, 'unexpected', 'the original destination is unknown'),
  'bad-proxy-header': row(
    'downstream',
    'never',
    400,
    3,
    true,
    'unexpected',
    'the port takes only connections with a PROXY protocol header',
  ),
  'bad-transport-header': row(
    'downstream',
    'never',
    400,
    3,
    true,
    'unexpected',
    'direct connections require transport header negotiation',
  ),
  'client-identity-required': row(
    'downstream',
    'never',
    403,
    16,
    true,
    'unexpected',
    'direct connections must be mutually authenticated',
  ),
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof FAULTS;

/** A fault that happened: its row and what was seen. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly detail: string;
  /** Set where a route's filter chose it: the status instead of the row's, and where a redirect leads. */
  status: number | undefined;
  location: string | undefined;
  /** Likewise for gRPC requests. */
  grpc: number | undefined;
  /** A reset of HTTP/2 (its error code) that a client of HTTP/2 shall see as such, instead of a response. */
  http2Code: number | undefined;

  constructor(code: FaultCode, detail = '', cause?: unknown) {
    super(
      detail === '' ? FAULTS[code].text : `${FAULTS[code].text}: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.detail = detail;
  }

  get row(): FaultRow {
    return FAULTS[this.code];
  }
}

function row(
  side: FaultRow['side'],
  retry: FaultRow['retry'],
  status: number,
  grpc: number,
  closes: boolean,
  label: string | undefined,
  text: string,
): FaultRow {
  return { side, retry, status, grpc, closes, label, text };
}
