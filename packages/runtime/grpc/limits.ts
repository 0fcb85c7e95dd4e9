/** Bounds of the gRPC client and server, with their reasons. */
export const LIMITS = {
  /** Largest message accepted. Policies and endpoint sets of thousands of pods stay below; gRPC's usual default. */
  messageBytesMax: 4 * 1024 * 1024,
  /** How long opening a connection may take before calls on it fail with UNAVAILABLE. */
  connectTimeoutMs: 10_000,
  /**
   * Streams a peer may open on one connection. The proxy in front of a control plane joins the streams of thousands of proxies in few
   * connections, and watches are long; at about 5 kB a stream this is half a gigabyte.
   */
  concurrentStreamsMax: 100_000,
  /** Connections of one client at once, where the server admits fewer streams on each than there are calls. */
  connectionsMax: 8,
  /** Calls that wait for a connection or for a stream on it; more fail at once with RESOURCE_EXHAUSTED. */
  waitingCallsMax: 10_000,
  /** Bytes that one stream holds back for a peer that does not read; past it the stream is broken off. A full message and its like. */
  heldBytesMax: 16 * 1024 * 1024,
  /** Bytes that a peer may send on a server's stream before the call took them. */
  serverStreamWindow: 64 * 1024,
  /** Bytes that a peer may send on a connection of a server before its calls took them. */
  serverConnectionWindow: 1024 * 1024,
  /** As RFC 9113 has it; larger frames only delay others. */
  frameBytesMax: 16 * 1024,
  /** Metadata of one call, names and values and 32 bytes a field: twice what gRPC libraries take by default. */
  metadataBytesMax: 16 * 1024,
  /** Compression table of each connection's headers, the default of RFC 9113. */
  headerTableBytes: 4096,
  /** Bytes that calls may gather in one turn of the event loop before they are written: four TLS records. */
  gatheredBytesMax: 64 * 1024,
  /** Bytes given to a socket in one write. */
  writeBytesMax: 256 * 1024,
  /** How long calls may go on after `close` before their connections are cut. */
  drainMsMax: 5_000,
  /** How long a peer may leave a connection half open that we have ended. */
  lingerMs: 1_000,
  /** Deadlines beyond this are treated as none: timers hold 31 bits of milliseconds. */
  timerMsMax: 2 ** 31 - 1,
} as const;

/** Windows of a client where it is not told otherwise: Linkerd's defaults for HTTP/2 to servers. */
export const CLIENT_WINDOWS = { stream: 65_535, connection: 1_048_576 } as const;
