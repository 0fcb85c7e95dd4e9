import { fields, int32, int64, keyed, list, oneOfNames, type Schema, str, stringMap } from './schema.ts';

/** Shapes that several of the mesh's kinds share. Lengths and patterns are those that Kubernetes itself uses for the thing. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
export const DNS_NAME = `^${LABEL}(\\.${LABEL})*$`;
/** An API group, empty for core. */
export const group = (more: Schema = {}): Schema =>
  str({ maxLength: 253, pattern: `^$|^${LABEL}(\\.${LABEL})*$`, ...more });
export const kind = (more: Schema = {}): Schema =>
  str({ minLength: 1, maxLength: 63, pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', ...more });
export const name = (more: Schema = {}): Schema => str({ minLength: 1, maxLength: 253, ...more });
export const namespace = (more: Schema = {}): Schema =>
  str({ minLength: 1, maxLength: 63, pattern: `^${LABEL}$`, ...more });
export const port = (more: Schema = {}): Schema => int32({ minimum: 1, maximum: 65_535, ...more });
export const hostname = (): Schema =>
  str({ minLength: 1, maxLength: 253, pattern: `^(\\*\\.)?${LABEL}(\\.${LABEL})*$` });

export const labelSelector: Schema = fields({
  matchLabels: stringMap,
  matchExpressions: list(
    fields({
      'key*': str(),
      'operator*': oneOfNames('In', 'NotIn', 'Exists', 'DoesNotExist'),
      values: list(str()),
    }),
  ),
});

export const network: Schema = fields({ 'cidr*': str(), except: list(str()) });

export const condition: Schema = fields({
  'type*': str({
    maxLength: 316,
    pattern: `^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.${LABEL})*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`,
  }),
  'status*': oneOfNames('True', 'False', 'Unknown'),
  'reason*': str({ minLength: 1, maxLength: 1024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' }),
  'message*': str({ maxLength: 32_768 }),
  'lastTransitionTime*': str({ format: 'date-time' }),
  observedGeneration: int64({ minimum: 0 }),
});
export const conditions = (more: Schema = {}): Schema => keyed(condition, ['type'], more);

/** Which object a route hangs from. */
export function parentRef(defaults: { group: string; kind: string }, required: 'all' | 'name' = 'name'): Schema {
  const wanted = required === 'all' ? '*' : '';
  return fields({
    [`group${wanted}`]: group({ default: defaults.group }),
    [`kind${wanted}`]: kind({ default: defaults.kind }),
    namespace: namespace(),
    'name*': name(),
    sectionName: name({ pattern: DNS_NAME }),
    port: port(),
  });
}

/** `status` of a route: per parent, who decided and what. */
export const routeStatus = (parent: Schema): Schema =>
  fields({
    'parents*': list(
      fields({
        'parentRef*': parent,
        'controllerName*': str({
          minLength: 1,
          maxLength: 253,
          pattern: `^${LABEL}(\\.${LABEL})*/[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+$`,
        }),
        conditions: conditions({ minItems: 1, maxItems: 8 }),
      }),
      { maxItems: 32 },
    ),
  });
