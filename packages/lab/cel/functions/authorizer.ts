/**
 * Kubernetes' authorizer: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`. Values
 * carry the whole question; the server that made the {@link Cel} answers it.
 */
import { type CelInput, type CelMap, CelScalar, celList, celMethod, isCelList, mapType } from '@bufbuild/cel';
import { fieldOf, opaque } from '../values.ts';

const { STRING, BOOL, DYN } = CelScalar;
const MAP = mapType(STRING, DYN);

/** What an expression wants to know: may this user do that? */
export interface AccessQuestion {
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  readonly verb: string;
  /** A path that is no resource, or */
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

const AUTHORIZER = 'kubernetes.authorization.Authorizer';
const PATH_CHECK = 'kubernetes.authorization.PathCheck';
const GROUP_CHECK = 'kubernetes.authorization.GroupCheck';
const RESOURCE_CHECK = 'kubernetes.authorization.ResourceCheck';
const DECISION = 'kubernetes.authorization.Decision';

type Fields = Record<string, CelInput>;

/** The `authorizer` of a request: by its user and, as `authorizer.requestResource`, about its object. */
export function authorizerOf(
  user: AccessQuestion['user'],
  request: Omit<AccessQuestion, 'user' | 'verb' | 'path'>,
): CelMap {
  const who = { user: user.name, groups: celList([...user.groups]) };
  return opaque(AUTHORIZER, { ...who, requestResource: opaque(RESOURCE_CHECK, { ...who, ...request }) });
}

/** Copies an opaque value as one of the next type, with more fields. */
function next(value: CelMap, from: string, to: string, more: Fields): CelMap {
  fieldOf(value, from, '$type');
  const fields: Fields = {};
  for (const [key, field] of value)
    if (key !== '$type' && key !== 'requestResource') fields[String(key)] = field as CelInput;
  return opaque(to, { ...fields, ...more });
}

const NOWHERE = { subresource: '', namespace: '', name: '' };

const accountGroups = (namespace: string): string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
  'system:authenticated',
];

function question(check: CelMap, type: string, verb: string): AccessQuestion {
  const text = (field: string) => String(fieldOf(check, type, field) ?? '');
  const groups = fieldOf(check, type, 'groups');
  return {
    user: { name: text('user'), groups: isCelList(groups) ? [...groups].map(String) : [] },
    verb,
    ...(type === PATH_CHECK && { path: text('path') }),
    group: text('group'),
    resource: text('resource'),
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
  };
}

/** The library; `decide` answers the questions. */
export function authorizerFunctions(decide: (asked: AccessQuestion) => { allowed: boolean; reason: string }) {
  const step = (name: string, from: string, to: string, more: (text: string) => Fields) =>
    celMethod(name, MAP, [STRING], MAP, function (text) {
      return next(this, from, to, more(text));
    });
  const told = (name: string, field: string) =>
    celMethod(name, MAP, [], field === 'reason' || field === 'error' ? STRING : BOOL, function () {
      return fieldOf(this, DECISION, field) as never;
    });
  return [
    step('path', AUTHORIZER, PATH_CHECK, (path) => ({ path })),
    step('group', AUTHORIZER, GROUP_CHECK, (group) => ({ group })),
    celMethod('serviceAccount', MAP, [STRING, STRING], MAP, function (namespace, name) {
      const user = `system:serviceaccount:${namespace}:${name}`;
      return next(this, AUTHORIZER, AUTHORIZER, { user, groups: celList(accountGroups(namespace)) });
    }),
    step('resource', GROUP_CHECK, RESOURCE_CHECK, (resource) => ({ resource, ...NOWHERE })),
    ...['subresource', 'namespace', 'name'].map((field) =>
      step(field, RESOURCE_CHECK, RESOURCE_CHECK, (text) => ({ [field]: text })),
    ),
    // Selectors narrow what a decision may look at; role-based access looks at none.
    ...['fieldSelector', 'labelSelector'].map((field) => step(field, RESOURCE_CHECK, RESOURCE_CHECK, () => ({}))),
    celMethod('check', MAP, [STRING], MAP, function (verb) {
      const type = this.get('$type') === PATH_CHECK ? PATH_CHECK : RESOURCE_CHECK;
      const { allowed, reason } = decide(question(this, type, verb));
      return opaque(DECISION, { allowed, reason, errored: false, error: '' });
    }),
    told('allowed', 'allowed'),
    told('reason', 'reason'),
    told('errored', 'errored'),
    told('error', 'error'),
  ];
}
