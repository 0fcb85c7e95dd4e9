import type { Namespace, Node, Pod } from '../kinds/index.ts';

/** A node with the pods that occupy it (assigned and not finished). */
export interface NodeInfo {
  node: Node;
  pods: readonly Pod[];
}

/** The cluster as one scheduling decision sees it. */
export interface Snapshot {
  nodes: readonly NodeInfo[];
  /** Labels of a namespace, for selectors over namespaces. */
  namespaceLabels(name: string): Namespace['metadata']['labels'];
}

/** Value of a topology label on a node. */
export const domainOf = ({ node }: NodeInfo, topologyKey: string): string | undefined =>
  node.metadata.labels?.[topologyKey];
