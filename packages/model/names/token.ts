/** What a proxy says about itself when it asks the control plane. */

/** Empty strings where the proxy did not say. */
export interface ContextToken {
  ns: string;
  nodeName: string;
  pod: string;
  /** Of a gateway: label selector of the Services that it may reach; absent: any. */
  services?: string;
}

const NO_CONTEXT: ContextToken = { ns: '', nodeName: '', pod: '' };

/** Reads a destination context token, JSON or the old form `ns:<namespace>`. One that cannot be read counts as empty. */
export function parseContextToken(text: string): ContextToken {
  const legacy = /^ns:([^:]*)$/.exec(text.trim());
  if (legacy) return { ...NO_CONTEXT, ns: legacy[1] ?? '' };
  const fields = parseObject(text);
  return {
    ns: stringOf(fields?.['ns']),
    nodeName: stringOf(fields?.['nodeName']),
    pod: stringOf(fields?.['pod']),
    ...servicesOf(fields),
  };
}

/** Whether a destination context token can be read. */
export function isContextToken(text: string): boolean {
  return /^ns:([^:]*)$/.test(text.trim()) || parseObject(text) !== undefined;
}

/** Who asks for policy: a pod or an external workload. */
export interface WorkloadToken {
  namespace: string;
  kind: 'pod' | 'external-workload';
  name: string;
  /** As in {@link ContextToken}. */
  services?: string;
}

/** Reads `{"ns":…,"pod":…}`, `{"ns":…,"external_workload":…}` or the old form `<namespace>:<pod>`. */
export function parseWorkloadToken(text: string): WorkloadToken | undefined {
  const legacy = /^([^:{}\s]+):([^:{}\s]+)$/.exec(text.trim());
  if (legacy) return { namespace: legacy[1] ?? '', kind: 'pod', name: legacy[2] ?? '' };
  const fields = parseObject(text);
  const namespace = stringOf(fields?.['ns']);
  const pod = stringOf(fields?.['pod']);
  const external = stringOf(fields?.['external_workload']);
  if (!namespace || (pod === '') === (external === '')) return undefined;
  const services = servicesOf(fields);
  return pod
    ? { namespace, kind: 'pod', name: pod, ...services }
    : { namespace, kind: 'external-workload', name: external, ...services };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // the caller says what an unreadable token means
  }
}

/** One that is no text selects nothing: what is not understood opens no door. */
const servicesOf = (fields: Record<string, unknown> | undefined): { services?: string } =>
  fields?.['services'] === undefined ? {} : { services: stringOf(fields['services']) };

const stringOf = (value: unknown) => (typeof value === 'string' ? value : '');
