import type { AnyObject } from '#api/kube';

/** `request` of an AdmissionReview (admission.k8s.io/v1): what somebody wants to do. */
export interface AdmissionRequest {
  uid: string;
  kind: { group: string; version: string; kind: string };
  resource: { group: string; version: string; resource: string };
  subResource?: string;
  /** Empty with generateName. */
  name?: string;
  namespace?: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  userInfo?: { username?: string; groups?: string[] };
  object?: AnyObject | null;
  oldObject?: AnyObject | null;
  dryRun?: boolean;
}

/** One step of RFC 6902. */
export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  path: string;
  value?: unknown;
  from?: string;
}

/** What the handler decided. A refusal's message is shown to the user; its code is 400 unless given. */
export type AdmissionAnswer =
  | { allowed: true; patch?: readonly JsonPatchOperation[]; warnings?: readonly string[] }
  | { allowed: false; message: string; code?: number; warnings?: readonly string[] };

export type AdmissionHandler = (request: AdmissionRequest) => AdmissionAnswer | Promise<AdmissionAnswer>;

/**
 * Answers the body of an AdmissionReview request with the body of the response. A handler that throws refuses with its
 * message. Throws when the body is no AdmissionReview.
 */
export async function answerReview(body: string, handle: AdmissionHandler): Promise<string> {
  const review = JSON.parse(body) as { apiVersion?: string; kind?: string; request?: AdmissionRequest };
  const { apiVersion, kind, request } = review;
  if (kind !== 'AdmissionReview' || !request?.uid)
    throw new Error(`expected an AdmissionReview with a request, got kind ${JSON.stringify(kind)}`);
  let answer: AdmissionAnswer;
  try {
    answer = await handle(request);
  } catch (error) {
    answer = { allowed: false, code: 500, message: error instanceof Error ? error.message : String(error) };
  }
  return JSON.stringify({ apiVersion, kind, response: responseOf(request.uid, answer) });
}

function responseOf(uid: string, answer: AdmissionAnswer): Record<string, unknown> {
  const response: Record<string, unknown> = { uid, allowed: answer.allowed };
  if (answer.warnings?.length) response['warnings'] = answer.warnings;
  if (!answer.allowed) response['status'] = { code: answer.code ?? 400, message: answer.message };
  else if (answer.patch?.length) {
    response['patchType'] = 'JSONPatch';
    response['patch'] = Buffer.from(JSON.stringify(answer.patch)).toString('base64');
  }
  return response;
}
