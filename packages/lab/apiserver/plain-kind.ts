import type { AnyObject } from '#api/kube';
import { UNTYPED } from '#lab/schema';
import { timestampAge } from './age.ts';
import type { Column, Kind } from './resource.ts';

const COLUMNS: readonly Column[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name must be unique within a namespace. Is required when creating resources.',
  },
  {
    name: 'Age',
    type: 'string',
    description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  },
];

/** A kind of which nothing is known: any field goes, columns Name and Age. */
export const PLAIN_KIND: Kind = {
  schema: UNTYPED,
  normalize: (object: AnyObject) => ({ object, unknownFields: [] }),
  validate: () => [],
  columns: COLUMNS,
  row: (object, nowMs) => [object.metadata.name ?? '', timestampAge(object.metadata.creationTimestamp, nowMs)],
};
