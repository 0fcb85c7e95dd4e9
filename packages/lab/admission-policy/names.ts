/** Names that expressions of policies may use; those of webhooks' match conditions know no params and variables. */
export const POLICY_NAMES: readonly string[] = [
  'object',
  'oldObject',
  'request',
  'namespaceObject',
  'authorizer',
  'params',
  'variables',
];

/** Names that match conditions of webhooks may use. */
export const WEBHOOK_NAMES: readonly string[] = ['object', 'oldObject', 'request', 'authorizer'];
