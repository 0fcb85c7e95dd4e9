/** A Service to be profiled, and the domain of its cluster. */
export interface ProfileName {
  service: string;
  namespace: string;
  clusterDomain: string;
}

/** One route of `spec.routes`. */
export interface ProfileRoute {
  name: string;
  condition: { method: string; pathRegex: string };
  isRetryable?: true;
  responseClasses?: { condition: { status: { min: number; max: number } }; isFailure?: true }[];
  timeout?: string;
}

export const fqdnOf = ({ service, namespace, clusterDomain }: ProfileName): string =>
  `${service}.${namespace}.svc.${clusterDomain}`;

/** The object with its routes. */
export function profileObject(name: ProfileName, routes: readonly ProfileRoute[]): object {
  return {
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: { name: fqdnOf(name), namespace: name.namespace },
    spec: { routes },
  };
}

/** A regular expression that matches just the text. */
export const quoteRegex = (text: string): string => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
