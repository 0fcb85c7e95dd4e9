/**
 * Traffic capture: the iptables rules that send a pod's connections through its proxy, set up by the init container. Flags and
 * chains are those of Linkerd's proxy-init.
 */
export { applyRules, type Run } from './apply.ts';
export { runInit } from './main.ts';
export { CaptureError, type CaptureOptions, parseCaptureArgs } from './options.ts';
export { captureTable, INPUT_CHAIN, OUTPUT_CHAIN } from './rules.ts';
