import type { MessageInitShape } from '@bufbuild/protobuf';
import type { meta } from '#api/mesh';

type Metadata = MessageInitShape<typeof meta.MetadataSchema>;

/** `Duration` from milliseconds. */
export const ms = (value: number) => ({ seconds: BigInt(Math.floor(value / 1000)), nanos: (value % 1000) * 1_000_000 });

export const named = (value: string): Metadata => ({ kind: { case: 'default', value } });

export const resource = (kind: string, name: string, group = 'policy.linkerd.io', port = 0): Metadata => ({
  kind: { case: 'resource', value: { group, kind, name, namespace: 'a', port } },
});
