/** Whether the list and map types of a schema are sound. */
import type { JSONSchemaProps } from '#api/kube';
import { type FieldCause, fault } from './cause.ts';
import { itemsOf } from './structural-faults.ts';

/** Faults of x-kubernetes-list-type, -list-map-keys and -map-type at one node. */
export function listFaults(schema: JSONSchemaProps, path: string): FieldCause[] {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = itemsOf(schema);
  const at = `${path}.x-kubernetes-list-type`;
  const faults: FieldCause[] = [];
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined && !['atomic', 'granular'].includes(mapType))
    faults.push(fault.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  if (type !== undefined && schema.type !== 'array')
    faults.push(
      schema.type
        ? fault.invalid(`${path}.type`, schema.type, 'must be array if x-kubernetes-list-type is specified')
        : fault.required(`${path}.type`, 'must be array if x-kubernetes-list-type is specified'),
    );
  if (type !== undefined && !['atomic', 'set', 'map'].includes(type))
    faults.push(fault.notSupported(at, type, ['atomic', 'set', 'map']));
  if (keys.length > 0 && type !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty';
    faults.push(type === undefined ? fault.required(at, text) : fault.invalid(at, type, text));
  }
  if (type === 'set' || type === 'map')
    if (items?.nullable)
      faults.push(
        fault.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${type}`),
      );
  if (type === 'map') faults.push(...mapListFaults(items, keys, path));
  if (type === 'set' && items) faults.push(...setItemFaults(items, `${path}.items`));
  return faults;
}

/** Items of a set are compared whole, so they must be owned whole. */
function setItemFaults(items: JSONSchemaProps, path: string): FieldCause[] {
  const text = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [fault.invalid(`${path}.x-kubernetes-list-type`, listType, text)];
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    return [fault.invalid(`${path}.x-kubernetes-map-type`, listType ?? null, text)];
  return [];
}

function mapListFaults(items: JSONSchemaProps | undefined, keys: readonly string[], path: string): FieldCause[] {
  const keysAt = `${path}.x-kubernetes-list-map-keys`;
  const faults: FieldCause[] = [];
  if (keys.length === 0) faults.push(fault.required(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items)
    return [...faults, fault.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object')
    return [
      ...faults,
      fault.invalid(
        `${path}.items.type`,
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    ];
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    const at = `${path}.items.properties[${key}]`;
    if (!property) faults.push(fault.invalid(keysAt, keys, 'entries must all be names of item properties'));
    if (keys.indexOf(key) < i) faults.push(fault.invalid(keysAt, keys, 'must not contain duplicate entries'));
    if (!property) continue;
    if (property.type === 'array' || property.type === 'object')
      faults.push(
        fault.invalid(
          `${at}.type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (!items.required?.includes(key) && property.default === undefined)
      faults.push(
        fault.required(
          `${at}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    if (property.nullable)
      faults.push(
        fault.forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      );
  }
  return faults;
}
