/**
 * The PROXY protocol, versions 1 and 2: what a balancer in front of us tells about the connection that it passes on, read
 * from the first bytes. Only to be believed from balancers that one knows.
 */
export {
  decodeProxyHeader,
  PROXY_HEADER_BYTES_MAX,
  type ProxiedEnd,
  type ProxyHeader,
  type ProxyHeaderResult,
} from './header.ts';
