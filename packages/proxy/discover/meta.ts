/** Names a resource of the cluster, or a default (`{group: '', kind: 'default', name}`); becomes metric labels. */
export interface Meta {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly section: string;
  /** 0 when it has none. */
  readonly port: number;
}

/** A default: something that no resource stands for. */
export function defaultMeta(name: string): Meta {
  return { group: '', kind: 'default', name, namespace: '', section: '', port: 0 };
}
