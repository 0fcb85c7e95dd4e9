/** What of the Gateway API Weft claims for meshes: the suite asks for all of it. */

/** Profiles of the suite; each has a core that is always asked. */
export const PROFILES = ['MESH-HTTP', 'MESH-GRPC'] as const;

/** Extended features, by the suite's names, which are also those of the API (`SupportedFeature`). */
export const CLAIMED_FEATURES = [
  'HTTPRoute303RedirectStatusCode',
  'HTTPRoute307RedirectStatusCode',
  'HTTPRoute308RedirectStatusCode',
  'HTTPRouteParentRefPort',
  'HTTPRouteResponseHeaderModification',
  'MeshClusterIPMatching',
  'MeshConsumerRoute',
  'MeshHTTPRouteBackendRequestHeaderModification',
  'MeshHTTPRouteNamedRouteRule',
  'MeshHTTPRouteQueryParamMatching',
  'MeshHTTPRouteRedirectPath',
  'MeshHTTPRouteRedirectPort',
  'MeshHTTPRouteRewritePath',
  'MeshHTTPRouteSchemeRedirect',
] as const;

/** Tests of the suite that need none of the extended features: what every mesh must pass. */
export const CORE_TESTS = [
  'MeshBasic',
  'MeshGRPCRouteWeight',
  'MeshHTTPRouteMatching',
  'MeshHTTPRouteRedirectHostAndStatus',
  'MeshHTTPRouteRequestHeaderModifier',
  'MeshHTTPRouteSimpleSameNamespace',
  'MeshHTTPRouteWeight',
  'MeshTrafficSplit',
] as const;
