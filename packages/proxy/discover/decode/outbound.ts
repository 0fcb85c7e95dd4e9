import { equals } from '@bufbuild/protobuf';
import { outbound } from '#api/mesh';
import { defaultMeta, type HttpPolicy, NO_HTTP, type OutboundPolicy } from '../types.ts';
import { decodeGrpcPolicy, decodeHttpPolicy, decodeOpaque, decodeTlsRoute } from './routes.ts';
import { decodeMeta, Invalid, need } from './values.ts';

const NOWHERE = { http1: NO_HTTP, http2: NO_HTTP, opaqueRoute: undefined, tlsRoutes: [] };

/** How to reach a destination, from the wire. All or nothing: any violation makes a policy whose requests fail. */
export function decodeOutbound(policy: outbound.OutboundPolicy): OutboundPolicy {
  try {
    const parent = decodeMeta(policy.metadata, 'the policy');
    return { ...NOWHERE, parent, ...decodeProtocol(need(policy.protocol, 'the protocol')) };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    const invalid = `invalid client policy configuration: ${error.message}`;
    return { ...NOWHERE, protocol: 'detect', parent: defaultMeta('invalid'), invalid };
  }
}

function decodeProtocol({ kind }: outbound.ProxyProtocol): Pick<OutboundPolicy, 'protocol'> & Partial<OutboundPolicy> {
  switch (kind.case) {
    case 'detect':
      return { protocol: 'detect', ...decodeDetect(kind.value) };
    case 'http1':
      return { protocol: 'http1', http1: decodeHttpPolicy(kind.value) };
    case 'http2':
      return { protocol: 'http2', http2: decodeHttpPolicy(kind.value) };
    case 'grpc':
      return { protocol: 'grpc', http2: decodeGrpcPolicy(kind.value) };
    case 'opaque':
      return { protocol: 'opaque', opaqueRoute: decodeOpaque(kind.value.routes) };
    case 'tls':
      return { protocol: 'tls', tlsRoutes: kind.value.routes.map(decodeTlsRoute) };
    default:
      throw new Invalid('the kind of protocol is missing');
  }
}

function decodeDetect(detect: outbound.ProxyProtocol_Detect): Partial<OutboundPolicy> {
  need(detect.timeout, 'the timeout of detection');
  const wire1 = need(detect.http1, 'the HTTP/1 part of detection');
  const wire2 = need(detect.http2, 'the HTTP/2 part of detection');
  const http1: HttpPolicy = decodeHttpPolicy(wire1);
  return {
    http1,
    http2: isSame(wire1, wire2) ? http1 : decodeHttpPolicy(wire2),
    opaqueRoute: decodeOpaque(need(detect.opaque, 'the opaque part of detection').routes),
  };
}

/** Control planes say the same twice; then routes are kept once. The two messages have equal fields. */
function isSame(http1: outbound.ProxyProtocol_Http1, http2: outbound.ProxyProtocol_Http2): boolean {
  return equals(outbound.ProxyProtocol_Http1Schema, http1, { ...http2, $typeName: http1.$typeName });
}
