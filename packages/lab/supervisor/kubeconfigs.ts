interface Kubeconfig {
  clusters: unknown[];
  users: unknown[];
  contexts: unknown[];
  'current-context': string;
}

/** Joins kubeconfigs (as JSON) of different clusters into one; the first one's context is current. */
export function mergeKubeconfigs(texts: readonly string[]): string {
  const all = texts.map((text) => JSON.parse(text) as Kubeconfig);
  const merged = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: all.flatMap(({ clusters }) => clusters),
    users: all.flatMap(({ users }) => users),
    contexts: all.flatMap(({ contexts }) => contexts),
    'current-context': all[0]?.['current-context'] ?? '',
    preferences: {},
  };
  return `${JSON.stringify(merged, undefined, 2)}\n`;
}
