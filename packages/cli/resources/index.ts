/** What users name: kinds of objects by any of their names, and the pods behind them. */
export {
  AUTHORIZATION_POLICIES,
  kindNamed,
  POLICY_HTTP_ROUTES,
  podKinds,
  RESOURCE_KINDS,
  type ResourceKind,
  SERVER_AUTHORIZATIONS,
  SERVERS,
} from './kinds.ts';
export { podsOf } from './pods.ts';
