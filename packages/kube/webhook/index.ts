/**
 * Admission webhooks: an HTTPS server (TLS 1.3 or newer) that reads its certificate again when the files change, and turns
 * AdmissionReview requests into calls of one handler. Any path is answered.
 */
export {
  type AdmissionAnswer,
  type AdmissionHandler,
  type AdmissionRequest,
  answerReview,
  type JsonPatchOperation,
} from './review.ts';
export { startWebhookServer, type WebhookServer, type WebhookServerOptions } from './server.ts';
