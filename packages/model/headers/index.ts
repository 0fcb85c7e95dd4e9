/**
 * The header fields that mean something to a proxy, and what each direction does with them in a message that it forwards.
 * `strip`: taken out of requests (or responses); the proxy may put its own in. Source: Linkerd proxy, section 7 of its header use.
 */
type Where = 'inbound-request' | 'outbound-request' | 'inbound-response' | 'outbound-response';

interface HeaderRow {
  readonly strip: readonly Where[];
  readonly doc: string;
}

const everywhere: readonly Where[] = ['inbound-request', 'outbound-request', 'inbound-response', 'outbound-response'];

export const HEADERS = {
  'l5d-client-id': {
    strip: ['inbound-request'],
    doc: 'Set inbound to the TLS identity of the client; whatever a client sends is removed.',
  },
  'l5d-dst-canonical': {
    strip: [],
    doc: 'Logical destination, set by profile routes, read inbound for profile lookup.',
  },
  'l5d-dst-override': { strip: [], doc: 'Target in ingress mode only.' },
  'l5d-require-id': { strip: ['outbound-request'], doc: 'Server identity that the application demands.' },
  'l5d-orig-proto': { strip: everywhere, doc: 'HTTP version before an upgrade between proxies.' },
  'l5d-proxy-error': { strip: ['outbound-response'], doc: 'Why a proxy made this response itself.' },
  'l5d-proxy-connection': {
    strip: ['outbound-response'],
    doc: '`close`: the connection to the application shall close.',
  },
  'content-type': { strip: [], doc: 'Tells gRPC requests.' },
  forwarded: {
    strip: [],
    doc: 'Gateways that passed a request on, each for whom; tells loops, and where the gateway is trusted, who asks.',
  },
  'grpc-message': { strip: [], doc: 'Why a gRPC request failed.' },
  'grpc-status': { strip: [], doc: 'How a gRPC request ended; read for metrics, retries and breakers.' },
  'grpc-trace-bin': { strip: [], doc: "Trace context of gRPC; the span id becomes the proxy's where tracing is on." },
  'grpc-retry-pushback-ms': {
    strip: [],
    doc: 'How long a failing gRPC server wants no further request; read by balancers.',
  },
  location: { strip: [], doc: 'Where a redirect leads.' },
  'l5d-request-timeout': { strip: [], doc: 'Bounds the whole request where the route allows it; then removed.' },
  'l5d-response-timeout': { strip: [], doc: 'Bounds the response where the route allows it; then removed.' },
  'l5d-retry-grpc': { strip: [], doc: 'gRPC statuses to retry on where the route allows it; then removed.' },
  'l5d-retry-http': { strip: [], doc: 'Statuses to retry on where the route allows it; then removed.' },
  'l5d-retry-limit': { strip: [], doc: 'How often to retry where the route allows it; then removed.' },
  'l5d-retry-timeout': { strip: [], doc: 'Bounds one attempt where the route allows it; then removed.' },
  'l5d-timeout': { strip: [], doc: 'Older name of `l5d-request-timeout`.' },
  traceparent: {
    strip: [],
    doc: "Trace context of W3C, version 00; the span id becomes the proxy's where tracing is on.",
  },
  'x-b3-sampled': { strip: [], doc: 'Whether a B3 trace is recorded.' },
  'x-b3-spanid': { strip: [], doc: "Span of a B3 trace; becomes the proxy's where tracing is on." },
  'x-b3-traceid': { strip: [], doc: 'B3 trace.' },
  'retry-after': { strip: [], doc: 'How long a failing server wants no further request; read by balancers.' },
  'proxy-authenticate': { strip: [], doc: 'Passed on: transparent proxies are not addressed by it.' },
} as const satisfies Record<string, HeaderRow>;

export type HeaderName = keyof typeof HEADERS;

/** Fields of one hop (RFC 9110 section 7.6.1); kept in messages that ask for or grant an upgrade. */
export const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'upgrade'] as const;

/** Names that the given kind of message loses on its way through. */
export function strippedIn(where: Where): HeaderName[] {
  return (Object.keys(HEADERS) as HeaderName[]).filter((name) =>
    (HEADERS[name].strip as readonly Where[]).includes(where),
  );
}
