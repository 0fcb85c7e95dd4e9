/**
 * Traffic capture: the iptables rules that send a pod's connections through its proxy, set up by the init container or the CNI
 * plug-in, and the validator that proves them. Flags and chains are those of Linkerd's proxy-init.
 */
export { applyRules, type Run } from './apply.ts';
export { type CniPlace, type CniPod, type CniSettings, cniCaptureOptions, isCaptured } from './cni.ts';
export { runInit } from './main.ts';
export { CAPTURE_DEFAULTS, CaptureError, type CaptureOptions, parseCaptureArgs } from './options.ts';
export { captureTable, INPUT_CHAIN, OUTPUT_CHAIN } from './rules.ts';
export { runNetworkValidator } from './validator.ts';
