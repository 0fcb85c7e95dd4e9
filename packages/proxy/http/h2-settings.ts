import type { ProxyConfig } from '#model/proxy-config';
import type { Http2Options } from '#wire/http2';
import type { Http2Params } from '../discover/index.ts';
import { LIMITS } from '../limits.ts';
import type { Http2KeepAlive } from './h2-link.ts';

/** How HTTP/2 is spoken with one kind of peer: what we say in SETTINGS and hold the peer to, and when it is pinged. */
export interface Http2Settings {
  readonly codec: Http2Options;
  readonly keepAlive: Http2KeepAlive | undefined;
  /** To servers: streams given up whose resets may wait at once; absent: as by default. */
  readonly abandonedMax?: number | undefined;
}

/** Octets in flight from a client by default. Linkerd has 65535 for a stream, with which large bodies come in small pieces. */
const WINDOWS = { connection: 1_048_576, stream: 262_144 };

/** In place of windows that follow the throughput: a stream fills 1 Gbit/s at 8 ms, a connection carries four of those. */
const WIDE_WINDOWS = { connection: 4_194_304, stream: 1_048_576 };

/** Compression state that a peer may make us keep (RFC 7541 section 4.2, its default). */
const HEADER_TABLE_BYTES = 4_096;

/** From clients: the default (RFC 9113 section 6.5.2), which testers of conformance take for granted. */
const REQUEST_FRAME_BYTES = 16_384;

/** From servers: large bodies come in few frames, which go on as few writes. */
const RESPONSE_FRAME_BYTES = 65_536;

/** How clients of one direction are spoken with. */
export function http2ServerSettings(config: ProxyConfig, side: 'inbound' | 'outbound'): Http2Settings {
  const stream = config[`${side}Http2StreamWindow`];
  const connection = config[`${side}Http2ConnectionWindow`];
  const given = stream !== undefined && connection !== undefined ? { stream, connection } : WINDOWS;
  const windows = config[`${side}Http2AdaptiveWindows`] ? WIDE_WINDOWS : given;
  const intervalMs = config[`${side}Http2KeepAliveIntervalMs`];
  const timeoutMs = config[`${side}Http2KeepAliveTimeoutMs`];
  return {
    codec: {
      streamWindow: windows.stream,
      connectionWindow: windows.connection,
      maxConcurrentStreams: config[`${side}Http2MaxConcurrentStreams`] ?? LIMITS.http2StreamsMax,
      maxFrameSize: config[`${side}Http2MaxFrameSize`] ?? REQUEST_FRAME_BYTES,
      maxHeaderListSize: config[`${side}Http2MaxHeaderListSize`] ?? LIMITS.http2HeaderListBytesMax,
      headerTableSize: HEADER_TABLE_BYTES,
      sendBytesMax: config[`${side}Http2MaxSendBufBytes`],
      untakenResetsMax: config[`${side}Http2MaxPendingAcceptResetStreams`],
    },
    keepAlive:
      intervalMs !== undefined && timeoutMs !== undefined ? { intervalMs, timeoutMs, whileIdle: true } : undefined,
  };
}

/** How servers are spoken with; what discovery says of an endpoint wins. */
export function http2ClientSettings(
  config: Pick<ProxyConfig, 'http2StreamWindow' | 'http2ConnectionWindow'>,
  params: Http2Params | undefined,
): Http2Settings {
  const usual = params?.windows ?? { stream: config.http2StreamWindow, connection: config.http2ConnectionWindow };
  const windows = params?.adaptiveWindows ? WIDE_WINDOWS : usual;
  return {
    codec: {
      streamWindow: windows.stream,
      connectionWindow: windows.connection,
      // Servers open no streams: push is switched off.
      maxConcurrentStreams: 0,
      maxFrameSize: params?.maxFrameSize ?? RESPONSE_FRAME_BYTES,
      maxHeaderListSize: LIMITS.http2HeaderListBytesMax,
      headerTableSize: HEADER_TABLE_BYTES,
      sendBytesMax: params?.maxSendBufBytes,
    },
    keepAlive: params?.keepAlive && { ...params.keepAlive, awaitingMs: LIMITS.http2AwaitingSilenceMs },
    abandonedMax: params?.maxConcurrentResetStreams,
  };
}
