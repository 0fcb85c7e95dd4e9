import type { UserInfo } from '#lab/auth';
import type { Core } from '../core.ts';
import { badRequest } from '../errors.ts';
import type { WriteRequest } from '../resource.ts';
import { headerOf, type ServerReply, type ServerRequest, type Warnings } from './exchange.ts';
import type { RequestInfo } from './request-info.ts';

/** One authorized request with everything that handlers need to answer it. */
export interface Call {
  readonly core: Core;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly request: ServerRequest;
  readonly reply: ServerReply;
  readonly warnings: Warnings;
}

const FIELD_VALIDATIONS = ['Ignore', 'Warn', 'Strict'] as const;
/** What kube assumes when a client asks for nothing. */
const DEFAULT_FIELD_VALIDATION = 'Warn';

/** The options of a write from its query and User-Agent. @throws ApiError 400 */
export function writeRequestOf(call: Call, duplicates: readonly string[] = []): WriteRequest {
  const { query } = call.info;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All'))
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`);
  const asked = query.get('fieldValidation') || DEFAULT_FIELD_VALIDATION;
  const fieldValidation = FIELD_VALIDATIONS.find((value) => value === asked);
  if (!fieldValidation)
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(asked)}: supported values: "Ignore", "Strict", "Warn"`,
    );
  return {
    user: call.user,
    fieldManager: query.get('fieldManager') || agentName(headerOf(call.request, 'user-agent')),
    dryRun: dryRun.length > 0,
    fieldValidation,
    duplicates,
    warn: call.warnings.add,
  };
}

/** `kubectl/v1.32.4 (linux/amd64)` -> `kubectl`. */
export const agentName = (agent: string | undefined): string => (agent ?? '').split('/')[0]!.slice(0, 128) || 'unknown';
