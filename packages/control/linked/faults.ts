import { AnswerFault, type AnswerFaultReason, ApiError, NoAnswer } from '#kube/client';

interface FaultRow {
  /** What it is about: the way into the cluster, what comes out of it, whom it trusts, or the Links themselves. */
  readonly about: 'access' | 'answers' | 'links' | 'trust';
  /** What should be, as in "Expected …". */
  readonly expected: string;
  /** What to look at or to do: a sentence. */
  readonly advice: string;
}

const LINK_AGAIN = 'Apply again what `weft multicluster link-gen` prints in that cluster.';
const SEE_SERVER = 'Look at the API server of that cluster, and at what stands before it.';
const IS_LARGE = 'Look at what that cluster has so much of; its other objects are not looked at before.';

/**
 * What can be wrong with a linked cluster, by the reason that conditions, events, metrics and checks have for it. While it lasts, what was
 * known of the cluster stands; after a minute its endpoints come last (docs/decisions/0025).
 */
export const FAULTS = {
  CredentialsMissing: {
    about: 'access',
    expected: 'a Secret with the credentials that the Link names',
    advice: LINK_AGAIN,
  },
  CredentialsInvalid: {
    about: 'access',
    expected: 'a self-contained kubeconfig under the key kubeconfig of the Secret that the Link names',
    advice: LINK_AGAIN,
  },
  CredentialsUnreadable: {
    about: 'access',
    expected: 'to be allowed to read the Secret that the Link names',
    advice: 'Look at the Role of the mirror controller, which the values of the extension make.',
  },
  CredentialsOfOther: {
    about: 'access',
    expected: 'credentials of the cluster that the Link names',
    advice: LINK_AGAIN,
  },
  OwnCluster: {
    about: 'access',
    expected: 'credentials of another cluster',
    advice: `They open the cluster that the Link is in, which would be mirrored into itself. ${LINK_AGAIN}`,
  },
  CredentialsRefused: {
    about: 'access',
    expected: 'a token or certificate that the API server takes',
    advice: `It may have expired, or its service account is gone. ${LINK_AGAIN}`,
  },
  AccessDenied: {
    about: 'access',
    expected: 'to be allowed to list and watch services',
    advice: 'Run `weft multicluster allow` for the service account of the credentials in that cluster.',
  },
  CertificateExpired: {
    about: 'access',
    expected: 'a certificate of the API server that is good now',
    advice: 'Renew it in that cluster; look at the clocks of both.',
  },
  CertificateUntrusted: {
    about: 'access',
    expected: 'a certificate of the API server from the authority that the kubeconfig names',
    advice: `The authority was replaced, or somebody else answers at that address. ${LINK_AGAIN}`,
  },
  CertificateOfOther: {
    about: 'access',
    expected: "a certificate of the API server for the kubeconfig's address",
    advice: 'Give `weft multicluster link-gen` an --api-server-address that the certificate names.',
  },
  Unreachable: {
    about: 'access',
    expected: 'the API server to answer',
    advice: 'Look at the address in the kubeconfig, whether that cluster runs, and at firewalls between the clusters.',
  },
  NoAnswer: {
    about: 'access',
    expected: 'the API server to answer in time',
    advice: 'Look whether that cluster is overloaded, and at firewalls between the clusters, which may drop packets.',
  },
  ServerError: { about: 'access', expected: 'the API server to do as it is asked', advice: SEE_SERVER },
  InvalidAnswer: { about: 'answers', expected: 'what a Kubernetes API server answers', advice: SEE_SERVER },
  EndlessList: { about: 'answers', expected: 'lists that come to an end', advice: SEE_SERVER },
  AnswerTooLarge: { about: 'answers', expected: 'answers of a size that can be read', advice: IS_LARGE },
  ObjectTooLarge: { about: 'answers', expected: 'objects as small as Kubernetes stores', advice: IS_LARGE },
  TooManyObjects: { about: 'answers', expected: 'no more objects than are looked at', advice: IS_LARGE },
  TooMuchToKeep: {
    about: 'answers',
    expected: 'objects that fit into the memory that a linked cluster has here',
    advice: IS_LARGE,
  },
  TooManyEvents: {
    about: 'answers',
    expected: 'no more events than can be followed',
    advice: 'Look at what changes all the time in that cluster.',
  },
  AddressesRefused: {
    about: 'answers',
    expected: 'endpoints whose addresses are those of pods',
    advice: 'Look at who writes these EndpointSlices; the endpoints are left out, others are used.',
  },
  ForeignTrustRoot: {
    about: 'trust',
    expected: 'a trust root that both clusters have',
    advice:
      "Bundle each other's trust anchors in both (docs/guides/rotation.md): until then proxies refuse connections between them.",
  },
  DuplicateLink: {
    about: 'links',
    expected: 'one Link for each target cluster',
    advice: 'Delete one of them; the older one works until then.',
  },
} as const satisfies Record<AnswerFaultReason, FaultRow> & Record<string, FaultRow>;

export type FaultName = keyof typeof FAULTS;

/** A fault, and what was seen. */
export interface Fault {
  reason: FaultName;
  seen: string;
}

/** What a failed request, list or watch says of the cluster that was asked. */
export function faultOf(error: unknown): Fault {
  const seen = error instanceof Error ? error.message : String(error);
  const causes = chainOf(error);
  const fault = causes.find((each) => each instanceof AnswerFault);
  if (fault) return { reason: fault.reason, seen };
  const refusal = causes.find((each) => each instanceof ApiError);
  if (refusal) return { reason: REFUSALS[refusal.code] ?? 'ServerError', seen: `HTTP ${refusal.code}: ${seen}` };
  if (causes.some((each) => each instanceof NoAnswer)) return { reason: 'NoAnswer', seen };
  const code = causes.map((each) => (each as { code?: unknown }).code).find((each) => String(each) in TLS);
  return { reason: TLS[String(code)] ?? 'Unreachable', seen };
}

/** A sentence for operators: what was expected and seen, and what to do. */
export function faultMessage({ reason, seen }: Fault): string {
  const { expected, advice } = FAULTS[reason];
  return `Expected ${expected}; saw: ${seen.slice(0, SEEN_CHARS_MAX)}. ${advice}`;
}

/** What others say is not repeated without end. */
const SEEN_CHARS_MAX = 500;

const REFUSALS: Readonly<Record<number, FaultName>> = { 401: 'CredentialsRefused', 403: 'AccessDenied' };

/** Codes of OpenSSL and of the runtime, for certificates of servers. */
const TLS: Readonly<Record<string, FaultName>> = {
  CERT_HAS_EXPIRED: 'CertificateExpired',
  CERT_NOT_YET_VALID: 'CertificateExpired',
  CERT_SIGNATURE_FAILURE: 'CertificateUntrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'CertificateUntrusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'CertificateOfOther',
  SELF_SIGNED_CERT_IN_CHAIN: 'CertificateUntrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'CertificateUntrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'CertificateUntrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'CertificateUntrusted',
};

/** An error and what caused it, and so on; not for ever. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length < 8; each = each.cause) chain.push(each);
  return chain;
}
