/** What admission expressions see: object, oldObject, request, namespaceObject, authorizer, params, variables. */
import { type CelInput, type CelValue, celMap } from '@bufbuild/cel';
import type { AnyObject, Variable } from '#api/kube';
import { authorizerOf, type Cel, jsonToCel } from '../cel/index.ts';
import { POLICY_NAMES } from './names.ts';

/** A request as expressions see it. */
export interface AdmissionView {
  /** Absent on DELETE. */
  readonly object?: AnyObject | undefined;
  /** Absent on CREATE. */
  readonly oldObject?: AnyObject | undefined;
  /**
   * The `request` of an AdmissionReview without its objects: uid, kind, resource, subResource, name, namespace, operation,
   * userInfo {username, uid, groups, extra}, dryRun, options.
   */
  readonly request: Readonly<Record<string, unknown>>;
  /** The Namespace of a namespaced object. */
  readonly namespaceObject?: AnyObject | undefined;
}

/** The view as CEL values, converted once for all hooks and policies of a request. */
export class AdmissionBindings {
  readonly values: Record<string, CelInput>;

  constructor({ object, oldObject, request, namespaceObject }: AdmissionView, more: Record<string, CelInput> = {}) {
    this.values = {
      object: jsonToCel(object ?? null),
      oldObject: jsonToCel(oldObject ?? null),
      request: jsonToCel(request),
      namespaceObject: jsonToCel(namespaceObject ?? null),
      authorizer: authorizerFor(request),
      ...more,
    };
  }

  /** The same request with params and variables; a variable is computed when it is first read. */
  with(params: AnyObject | undefined, variables: readonly Variable[], cel: Cel): AdmissionBindings {
    const values: Record<string, CelInput> = { ...this.values, params: jsonToCel(params ?? null) };
    values['variables'] = celMap(new LazyVariables(variables, cel, values));
    const copy: AdmissionBindings = Object.create(AdmissionBindings.prototype, {
      values: { value: values, enumerable: true },
    });
    return copy;
  }
}

function authorizerFor(request: AdmissionView['request']) {
  const { userInfo, resource, subResource, namespace, name } = request as {
    userInfo?: { username?: string; groups?: readonly string[] };
    resource?: { group?: string; resource?: string };
    subResource?: string;
    namespace?: string;
    name?: string;
  };
  return authorizerOf(
    { name: userInfo?.username ?? '', groups: userInfo?.groups ?? [] },
    {
      group: resource?.group ?? '',
      resource: resource?.resource ?? '',
      subresource: subResource ?? '',
      namespace: namespace ?? '',
      name: name ?? '',
    },
  );
}

/** Variables by name; each may read those declared before it. Faults of one surface where it is read. */
class LazyVariables extends Map<string, CelInput> {
  readonly #rows: ReadonlyMap<string, string>;
  readonly #cel: Cel;
  readonly #values: Record<string, CelInput>;

  constructor(variables: readonly Variable[], cel: Cel, values: Record<string, CelInput>) {
    super();
    this.#rows = new Map(variables.map(({ name, expression }) => [name, expression]));
    this.#cel = cel;
    this.#values = values;
  }

  override get(name: string): CelInput | undefined {
    const known = super.get(name);
    if (known !== undefined) return known;
    const expression = this.#rows.get(name);
    if (expression === undefined) return undefined;
    // A variable that reads itself finds this error instead of endless work.
    super.set(name, null);
    const value = this.#cel.compile(expression, POLICY_NAMES).run(this.#values) as CelValue as CelInput;
    super.set(name, value);
    return value;
  }

  override has(name: string): boolean {
    return this.#rows.has(name);
  }
}
