/** What a reader of the report may wonder about, and why it is so. */
export const DIFFERENCES: readonly string[] = [
  '`unread`: on a port whose policy leaves the protocol open, bytes that are no HTTP from their first line on are some other protocol, and are carried as such under the authorization of the port, as Linkerd does. Ports declared as HTTP/1 or HTTP/2 refuse them.',
  '`cut`: the fault lies in the body, so the head had been forwarded when it came. The server never sees the end of such a request: its connection or stream is reset.',
  '`changed`: chunks are framed anew, fields of the connection and framing fields in trailers are left out, the authority of an absolute form replaces `Host`.',
  'Equal values in a repeated `Content-Length` are refused, though RFC 9110 8.6 would let a recipient take them as one: the next hop may read them differently.',
  'Lines that end in LF alone are refused, though RFC 9112 2.2 would let a recipient take them: hops that do and hops that do not are what smuggling is made of. nginx and HAProxy take them.',
  'An upgrade to h2c is not carried on, as in Linkerd: the request goes on without it.',
  'nginx and HAProxy run with their defaults for handling requests, as one plain hop to the same server; both speak HTTP/1.1 to it whatever the client speaks.',
];
