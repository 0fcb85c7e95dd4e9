/** Bounds of the proxy beside those that the environment sets, with their reasons. */
export const LIMITS = {
  /** Clients that a gateway names on one connection whose decisions are kept; of more, those that were not heard of for longest are worked out again. */
  gatewayClientsMax: 256,
  /** Request bytes kept so that another endpoint can be tried; Linkerd replays bodies up to 64 KiB. */
  replayBytesMax: 64 * 1024,
  /** Bytes that one output gathers in an event-loop turn before it writes: large bodies go in few writes (with 64 KiB they cost a fifth more). */
  gatheredBytesMax: 256 * 1024,
  /** Heads and control frames that wait for an HTTP/2 server which does not read: past this it gets no further requests. */
  http2HeldBytesMax: 256 * 1024,
  /** Time for the last bytes of a connection to reach a peer that reads slowly: half a MB at 10 KB/s. */
  finishMs: 60_000,
  /** Streams that a client may have open on one connection, unless configured: as in Go; proxies with more open another connection. */
  http2StreamsMax: 250,
  /** Size of a header section, 32 octets a field added: a little more than the octets of a head of HTTP/1. */
  http2HeaderListBytesMax: 96 * 1024,
  /** Stream objects that a connection keeps for the next requests: as many as busy clients have under way. */
  http2SpareStreamsMax: 32,
  /** HTTP/2 connections to one server, opened as the server's limit on streams demands. */
  http2ConnectionsMax: 8,
  /** Requests that wait for room on HTTP/2 connections to one server, before others are refused. */
  http2WaitingMax: 10_000,
  /**
   * Resets that one connection to an HTTP/2 server may see at once, and how often one more: 180 in 30 s. Beyond it they wait. Netty ends
   * connections at 200 in 30 s, nghttp2 and Node.js at 1,000 at once or 33 a second, Envoy at 500, our own servers at 2,000 in 10 s.
   */
  http2ResetsBurst: 60,
  http2ResetEveryMs: 250,
  /** Streams of one connection whose resets wait; past it the next requests go to another connection. */
  http2ResetsWaitingMax: 100,
  /**
   * How often a connection to one server is replaced for that: a handshake costs more than a reset. Meanwhile resets go out beyond the
   * rate; after so many of them the connection is replaced all the same, before servers end it.
   */
  http2ReplaceEveryMs: 250,
  http2ResetsBeyondMax: 300,
  /** A proxy that owes us responses and says nothing for so long is asked whether it is there: a lost cluster is noticed in seconds. */
  http2AwaitingSilenceMs: 2_000,
  /** Connections tried for one request or connection before it fails. */
  connectAttemptsMax: 5,
  /** Behind our last byte: how long what the client still sends is read and thrown away, so that no reset overtakes the answer. */
  lingerMs: 1_000,
  /** What filters may delay one attempt by: a request that waits costs memory. */
  delayMsMax: 60_000,
  /** Copies of requests for mirrors under way in one direction of the proxy; further requests are not copied. */
  mirrorsMax: 1_000,
  /** How long a copy may take. */
  mirrorMs: 10_000,
  /** Time from the first byte of a request head to its last (nginx and Envoy wait 60 s or more, slow-loris tools count on it). */
  headMs: 10_000,
  /** How long a client that expects leave to send its body waits for another proxy to pass the server's on; then it gets ours. */
  continueMs: 200,
  /** How often connections are looked through for such heads: one timer for all of them. */
  headSweepMs: 1_000,
  /** Heads below 200 before a response, which nobody holds back; servers send two or three. HTTP/2 has the same bound. */
  informationalsMax: 32,
  /** A response that nobody wants any more is read to its end up to this, so that its connection can serve others. */
  discardBytesMax: 64 * 1024,
  /**
   * Connections of one direction that are open at once: some 20 KB each, so memory of 400 MB; file descriptors of a container
   * (65,536 and more) suffice for both directions and their other ends.
   */
  acceptedConnectionsMax: 20_000,
  /**
   * Bytes waiting in the whole process, where its memory has no limit: in sockets, in streams, in heads that have not come whole, and
   * of requests kept for another try. They cost two to three times their size until the next collection. Past it whoever holds most is
   * broken off; 500 readers that are slow but read hold less.
   */
  bufferedBytesMax: 128 * 1024 * 1024,
  /** With a limit of memory, its share that may wait: a proxy with 250 MiB, as Linkerd gives it, lives through what that costs. */
  bufferedShareMax: 0.25,
  bufferedBytesMaxLeast: 16 * 1024 * 1024,
  bufferedBytesMaxMost: 512 * 1024 * 1024,
  /** Past this share of it, those go that took no more than a trickle for `stalledMs`, in less time the nearer the whole is. */
  stalledShareMax: 0.5,
  /** So little in so long is no more than a trickle: 250 streams that share 1 MB a second get on. */
  stalledMs: 10_000,
  trickleBytes: 4 * 1024,
  /**
   * Receive buffer of a connection whose bytes pass to one other, until `provenBytes` came within `provenMs`: one read, up to twice
   * this where segments are large, is then what somebody costs who takes nothing (half a MB otherwise). A window of 64 KiB takes a
   * round trip or two longer over the first bytes than one that opens slowly by itself.
   */
  narrowReceiveBytes: 64 * 1024,
  provenBytes: 512 * 1024,
  provenMs: 2_000,
  /**
   * Silence of a connection or tunnel of which one side has ended. The kernel's tracking of redirected connections forgets such ones
   * after 60 s; servers that still work on their answer get a multiple of that.
   */
  halfClosedMs: 300_000,
  /** Connections accepted before the first certificate that wait for it. */
  acceptWaitingMax: 1_024,
  /** Bytes read for telling the protocol before the connection is refused or treated as opaque. */
  detectBytesMax: 16 * 1024,
  /** Original destinations cached; the least recently used idle one goes first. */
  discoveryEntriesMax: 4_096,
  /** Profiles looked up because inbound requests named them; the names come from clients. */
  inboundProfilesMax: 256,
  /** Requests to one of them that wait to be counted until it comes. */
  inboundProfileWaitingMax: 100,
  /** Port policies watched at once. */
  portPoliciesMax: 1_024,
  /** Backends of routes, each with its balancer, known at once. */
  balancersMax: 4_096,
  /** Endpoints of one balancer. */
  endpointsMax: 20_000,
  /** How long a connection waits for profile and policy of its destination. */
  discoveryWaitMs: 10_000,
  /** Events of one tap that wait for its reader; later ones are dropped. As Linkerd. */
  tapEventsMax: 400,
  /** And their bytes: events carry whole heads where asked for. */
  tapEventsBytesMax: 1024 * 1024,
  /** Taps at once: each is held against every request. */
  tapCallsMax: 32,
  /** Connections to the tap port. */
  tapConnectionsMax: 64,
  /** TLS detection on the tap port. */
  tapDetectMs: 1_000,
  /** Spans that wait for the collector: about two seconds of a busy proxy's recorded requests. */
  spansWaitingMax: 2_000,
  /** Spans in one call to the collector; encoding more would hold up requests for milliseconds. */
  spansPerExportMax: 200,
  /** How long a span waits for others to go along with. */
  spansWaitMs: 10_000,
  /** How long the end of the process waits for the last spans to arrive. */
  spansStopMs: 2_000,
  /** How long a collector may take. */
  spansExportMs: 10_000,
  /** Hosts or authorities that one route counts apart, where the operator asked for such labels. */
  namedScopesMax: 1_000,
  /** Time for the TLS handshake of an accepted connection. */
  handshakeMs: 10_000,
  /** TLS detection on the admin port. */
  adminDetectMs: 1_000,
  /** How often idle pooled connections are looked through. */
  poolSweepMs: 1_000,
  /** Waits for the first certificate while the identity controller cannot be reached: pods start together. */
  certifyRetryMsMin: 100,
  certifyRetryMsMax: 1_000,
  /** Roots of the mesh at most; a bundle of more is a mistake. */
  trustRootsMax: 64,
  /** Waits before the stream of trust roots is opened again, and the age at which it moves to another server. */
  trustBackoffMsMin: 1_000,
  trustBackoffMsMax: 60_000,
  trustStreamMs: 3_600_000,
  /** The longest wait for a new certificate after a change of the issuer, whatever the controller says. */
  trustRenewWithinMsMax: 600_000,
  /** Streams of the control plane are tried at least this often, whatever the connection's backoff allows. */
  streamBackoffMsMax: 5_000,
  /** Answers of DNS are used at least this long. */
  dnsTtlMsMin: 1_000,
  /** And at most this long when the resolver gives no lifetime. */
  dnsTtlMsDefault: 30_000,
  /** After the first certificate: start-up is over, and the code that only it needed leaves memory. */
  startUpOverMs: 3_000,
} as const;
