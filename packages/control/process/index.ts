/** What the controllers' processes share: flags in Go's spelling, logs, the admin port, metrics, start, drain and exit code. */
export { startAdmin } from './admin.ts';
export { COMMON_FLAGS, type FlagSpec, type Flags, parseFlags, parseListenAddress } from './flags.ts';
export { CONTROL_METRICS, type ControlMetrics, createControlMetrics, grpcMetrics } from './metrics.ts';
export { type ProcessContext, type ProcessSpec, type Running, runProcess } from './process.ts';
