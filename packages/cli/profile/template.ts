import { fqdnOf, type ProfileName } from './profile.ts';

/** A profile to be filled in, with every field explained. */
export function profileTemplate(name: ProfileName): string {
  return `### ServiceProfile for ${name.service}.${name.namespace} ###
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata:
  name: ${fqdnOf(name)}
  namespace: ${name.namespace}
spec:
  # Routes have metrics, retries and timeouts of their own. The first one that matches a request has it.
  routes:
  - name: '/authors/{id}'

    # Required. With several fields all of them must match; \`all\`, \`any\` and \`not\` combine conditions.
    condition:
      # A regular expression for the whole path.
      pathRegex: '/authors/\\d+'
      method: POST

    # Whether a failed request may be sent again.
    # isRetryable: true

    # What counts as a failure; without classes, statuses from 500 on.
    responseClasses:
    - condition:
        # \`all\`, \`any\` and \`not\` combine conditions; with only one of min and max, just that status matches.
        status:
          min: 500
          max: 599
      isFailure: true

    # How long a request may take.
    # timeout: 250ms

  # Bounds the retries of all routes.
  # retryBudget:
  #   Retries per request, at most.
  #   retryRatio: 0.2
  #   Retries that may be made besides, so that services with few requests have some.
  #   minRetriesPerSecond: 10
  #   Over which time requests are counted.
  #   ttl: 10s
`;
}
