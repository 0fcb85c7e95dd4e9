/** The flag -meshed-http2-client-params: JSON as the charts render it, e.g. `{"keep_alive":{"interval":{"seconds":10},…}}`. */
import { create } from '@bufbuild/protobuf';
import { destination } from '#api/mesh';

interface Seconds {
  seconds?: number;
  nanos?: number;
}
interface Params {
  flow_control?: {
    initial_connection_window_size?: number;
    initial_stream_window_size?: number;
    adaptive_flow_control?: boolean;
  };
  keep_alive?: { interval?: Seconds; timeout?: Seconds; while_idle?: boolean };
  internals?: { max_concurrent_reset_streams?: number; max_frame_size?: number; max_send_buf_size?: number };
}

const duration = (value: Seconds | undefined) =>
  value && { seconds: BigInt(value.seconds ?? 0), nanos: value.nanos ?? 0 };

/** Reads the parameters; undefined for an empty text. Throws a sentence for the operator. */
export function readHttp2Params(text: string): destination.Http2ClientParams | undefined {
  if (text === '') return undefined;
  let params: Params;
  try {
    params = JSON.parse(text) as Params;
  } catch (error) {
    throw new Error(`flag -meshed-http2-client-params: no JSON: ${(error as Error).message}`);
  }
  const { flow_control: flow, keep_alive: alive, internals } = params;
  const interval = duration(alive?.interval);
  const timeout = duration(alive?.timeout);
  return create(destination.Http2ClientParamsSchema, {
    ...(flow && {
      flowControl: {
        initialConnectionWindowSize: flow.initial_connection_window_size ?? 0,
        initialStreamWindowSize: flow.initial_stream_window_size ?? 0,
        adaptiveFlowControl: flow.adaptive_flow_control ?? false,
      },
    }),
    ...(alive && {
      keepAlive: { ...(interval && { interval }), ...(timeout && { timeout }), whileIdle: alive.while_idle ?? false },
    }),
    ...(internals && {
      internals: {
        maxConcurrentResetStreams: internals.max_concurrent_reset_streams ?? 0,
        maxFrameSize: internals.max_frame_size ?? 0,
        maxSendBufSize: internals.max_send_buf_size ?? 0,
      },
    }),
  });
}
