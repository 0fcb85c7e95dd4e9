/** How OpenAPI documents name types: `core/v1.Pod` is `io.k8s.api.core.v1.Pod`. */

const PACKAGES: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
  metrics: 'io.k8s.metrics.pkg.apis.metrics',
};

/** `core/v1.Pod` -> `io.k8s.api.core.v1.Pod`. */
export function componentName(typeId: string): string {
  const slash = typeId.indexOf('/');
  const folder = typeId.slice(0, slash);
  return `${PACKAGES[folder] ?? `io.k8s.api.${folder}`}.${typeId.slice(slash + 1)}`;
}

/** `policy.linkerd.io`, `v1`, `Server` -> `io.linkerd.policy.v1.Server`. */
export const customName = (group: string, version: string, kind: string): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`;

const META = PACKAGES['meta'];
export const OBJECT_META = `${META}.v1.ObjectMeta`;
export const DELETE_OPTIONS = `${META}.v1.DeleteOptions`;
export const STATUS = `${META}.v1.Status`;
export const PATCH = `${META}.v1.Patch`;
/** Types with a JSON form of their own. */
export const SPECIAL = {
  Time: `${META}.v1.Time`,
  MicroTime: `${META}.v1.MicroTime`,
  Duration: `${META}.v1.Duration`,
  FieldsV1: `${META}.v1.FieldsV1`,
  Quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  Raw: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  JSON: `${PACKAGES['apiextensions']}.v1.JSON`,
  SchemaOrBool: `${PACKAGES['apiextensions']}.v1.JSONSchemaPropsOrBool`,
  SchemaOrArray: `${PACKAGES['apiextensions']}.v1.JSONSchemaPropsOrArray`,
  SchemaOrStrings: `${PACKAGES['apiextensions']}.v1.JSONSchemaPropsOrStringArray`,
} as const;
