/** Bounds of the streaming servers. */
export const LIMITS = {
  /** A SPDY control frame (its header block, compressed); clients send a few hundred bytes. */
  spdyControlFrameBytesMax: 64 * 1024,
  /** A header block after decompression. */
  spdyHeaderBytesMax: 64 * 1024,
  /** Open streams of one SPDY connection; a forwarded connection takes two. */
  spdyStreamsMax: 4096,
  /** Payload of the data frames we send. */
  spdyDataFrameBytesMax: 32 * 1024,
  /** Bytes kept for a stream whose reader is slow before its whole connection waits. */
  streamBufferBytesMax: 256 * 1024,
  /** One WebSocket message, fragments joined. */
  webSocketMessageBytesMax: 4 * 1024 * 1024,
  /** The expected streams of exec and attach, and the second stream of a forwarded connection, must come within this time. */
  streamSetupTimeoutMs: 30_000,
  /** How long a peer may take to close its side after we closed ours. */
  closeLingerMs: 5_000,
  /** Ports of one WebSocket port-forward: channels are one byte, two a port, the last is reserved. */
  webSocketPortsMax: 127,
} as const;
