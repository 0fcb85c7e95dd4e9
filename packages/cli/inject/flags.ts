/** Flags of `inject` that become annotations of the pod template. */
export interface InjectFlag {
  flag: string;
  /** Placeholder of its value; absent for switches. */
  value?: string;
  annotation: string;
  /** What a switch writes. */
  text?: string;
  doc: string;
}

const CONFIG = 'config.linkerd.io/';
const row = (flag: string, value: string, annotation: string, doc: string): InjectFlag => ({
  flag,
  value,
  annotation: CONFIG + annotation,
  doc,
});
const toggle = (flag: string, annotation: string, doc: string, text = 'true'): InjectFlag => ({
  flag,
  annotation: annotation.includes('/') ? annotation : CONFIG + annotation,
  text,
  doc,
});

export const INJECT_FLAGS: readonly InjectFlag[] = [
  row('--proxy-image', 'image', 'proxy-image', 'Image of the proxy'),
  row('--image-pull-policy', 'policy', 'image-pull-policy', 'Always, IfNotPresent or Never'),
  row('--inbound-port', 'port', 'inbound-port', 'Port of the proxy for inbound traffic'),
  row('--outbound-port', 'port', 'outbound-port', 'Port of the proxy for outbound traffic'),
  row('--control-port', 'port', 'control-port', 'Port of the proxy for tap'),
  row('--admin-port', 'port', 'admin-port', 'Port of the proxy for metrics and probes'),
  row('--skip-inbound-ports', 'ports', 'skip-inbound-ports', 'Ports or ranges that go to the application directly'),
  row('--skip-outbound-ports', 'ports', 'skip-outbound-ports', 'Ports or ranges that leave the pod directly'),
  row('--proxy-uid', 'uid', 'proxy-uid', 'User that the proxy runs as'),
  row('--proxy-gid', 'gid', 'proxy-gid', 'Group that the proxy runs as'),
  row('--proxy-log-level', 'level', 'proxy-log-level', 'Log level of the proxy'),
  row('--proxy-cpu-request', 'quantity', 'proxy-cpu-request', 'CPU that the proxy requests'),
  row('--proxy-cpu-limit', 'quantity', 'proxy-cpu-limit', 'CPU that the proxy is limited to'),
  row('--proxy-memory-request', 'quantity', 'proxy-memory-request', 'Memory that the proxy requests'),
  row('--proxy-memory-limit', 'quantity', 'proxy-memory-limit', 'Memory that the proxy is limited to'),
  row('--default-inbound-policy', 'policy', 'default-inbound-policy', 'Who may connect'),
  row('--opaque-ports', 'ports', 'opaque-ports', 'Ports whose protocol is not detected'),
  row('--close-wait-timeout', 'duration', 'close-wait-timeout', 'Timeout of the close-wait state'),
  row('--require-identity-on-inbound-ports', 'ports', 'proxy-require-identity-inbound-ports', 'Ports for mTLS only'),
  {
    flag: '--wait-before-exit-seconds',
    value: 'seconds',
    annotation: 'config.alpha.linkerd.io/proxy-wait-before-exit-seconds',
    doc: 'Time that the proxy stays when the pod ends',
  },
  toggle('--enable-external-profiles', 'enable-external-profiles', 'Look up profiles of external names'),
  toggle('--enable-debug-sidecar', 'enable-debug-sidecar', 'Add the debug container'),
  toggle('--native-sidecar', 'proxy-enable-native-sidecar', 'Run the proxy as a native sidecar'),
];

/** The annotations that the given flags (in commander's camel case) stand for. */
export function annotationFlags(flags: Readonly<Record<string, string | boolean>>): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const { flag, annotation, text } of INJECT_FLAGS) {
    const name = flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const value = flags[name];
    if (value !== undefined && value !== false) annotations[annotation] = text ?? String(value);
  }
  return annotations;
}
