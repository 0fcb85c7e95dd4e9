/** Why a message was refused, with the text for the operator. All are the sender's fault (400, or 502 from a server). */
export const HTTP1_FAULTS = {
  'bad-start-line': 'the first line is not an HTTP/1 request or status line',
  'bad-target': 'the request target has none of the forms of RFC 9112 section 3.2',
  'bad-version': 'the version is neither HTTP/1.0 nor HTTP/1.1',
  'bad-field': 'a header line is malformed (bare line feed, folding, space before the colon or a control character)',
  'bare-line-feed': 'a line ends with a line feed alone',
  'too-many-fields': 'more header fields than allowed',
  'head-too-long': 'the header block is longer than allowed',
  'two-hosts': 'more than one host field',
  'no-host': 'an HTTP/1.1 request has no host field',
  'bad-host': 'the host field is not a host with an optional port',
  'two-lengths': 'more than one content-length',
  'bad-length': 'content-length is not a plain number',
  'bad-transfer-encoding': 'transfer-encoding does not end in exactly one "chunked", or stands in an HTTP/1.0 message',
  'unknown-coding': 'transfer-encoding names a coding other than "chunked"',
  'length-and-chunked': 'both content-length and transfer-encoding are present',
  'connect-body': 'CONNECT has a body, which servers tell from the tunnel in different ways',
  'bad-chunk': 'the chunked body is malformed',
  truncated: 'the connection ended in the middle of a message',
} as const;

export type Http1FaultCode = keyof typeof HTTP1_FAULTS;
