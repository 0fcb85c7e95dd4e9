import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import { CompactedError, type StoredObject } from '#lab/store';
import { asServed, type Core, type ObjectRef } from './core.ts';
import { badRequest, cause, expired, futureRevision, invalid, notFound } from './errors.ts';
import { FUTURE_REVISION_WAIT_MS } from './limits.ts';
import type { Resource } from './resource.ts';
import { type Selection, type SelectionInput, selectionOf } from './selection.ts';

/** Query parameters of a list, as given. */
export interface ListInput extends SelectionInput {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
}

/** One page of a list, in order and in stored form. */
export interface Page {
  readonly stored: readonly StoredObject[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

/** The get verb. */
export function read(core: Core, resource: Resource, ref: ObjectRef): StoredObject {
  const stored = core.store.get(resource.storage, ref);
  if (!stored) throw notFound(resource.gvr, ref.name);
  return stored;
}

/** As {@link read}, in the served version. */
export function readServed(core: Core, resource: Resource, ref: ObjectRef): AnyObject {
  return asServed(resource, read(core, resource, ref).object);
}

/** The list verb: a page of the selected objects at one revision (kubernetes.md 1.4). */
export async function list(core: Core, resource: Resource, input: ListInput): Promise<Page> {
  checkVersionParameters(input);
  const selection = selectionOf(resource, input);
  const token = input.continue ? decodeContinue(input.continue) : undefined;
  const asked = Number(input.resourceVersion ?? 0);
  if (asked > 0) await reached(core, asked);
  const exact = token?.revision ?? (input.resourceVersionMatch === 'Exact' ? asked : undefined);
  const revision = exact ?? core.store.revision;
  const all =
    revision === core.store.revision
      ? core.store.list(resource.storage, selection.namespace)
      : heldList(core, resource, selection, revision, token);
  const matching = selection.unfiltered
    ? all
    : all.filter(({ object }) => selection.matches(asServed(resource, object)));
  // resourceVersion=0 reads from what a cache would hold: limits do not apply to it.
  const limited = input.resourceVersion === '0' && !token ? undefined : input.limit;
  const found = page(matching, revision, limited, token);
  if (selection.unfiltered) return found;
  // With a selector kube does not know how many are left, and does not say.
  const { remaining: _, ...counted } = found;
  return counted;
}

/** Resolves once the store is at `revision`. @throws ApiError 504 when it is not within {@link FUTURE_REVISION_WAIT_MS} */
export async function reached(core: Core, revision: number): Promise<void> {
  const deadlineMs = core.nowMs() + FUTURE_REVISION_WAIT_MS;
  while (core.store.revision < revision) {
    if (core.nowMs() >= deadlineMs)
      throw futureRevision(`Timeout: Too large resource version: ${revision}, current: ${core.store.revision}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface ContinueToken {
  readonly revision: number | undefined;
  /** Key of the last object delivered. */
  readonly after: string;
}

const keyText = ({ object: { metadata } }: StoredObject): string =>
  `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

function page(
  all: readonly StoredObject[],
  revision: number,
  limit: number | undefined,
  token: ContinueToken | undefined,
): Page {
  const start = token ? startAfter(all, token.after) : 0;
  if (!limit || all.length - start <= limit) return { stored: start === 0 ? all : all.slice(start), revision };
  const stored = all.slice(start, start + limit);
  return {
    stored,
    revision,
    continue: encodeContinue({ revision, after: keyText(stored.at(-1)!) }),
    remaining: all.length - start - limit,
  };
}

/** Index of the first object behind `after`, which itself may be gone. */
function startAfter(all: readonly StoredObject[], after: string): number {
  const order = (key: string): [string, string] => {
    const slash = key.indexOf('/');
    return [key.slice(0, slash), key.slice(slash + 1)];
  };
  const [namespace, name] = order(after);
  const found = all.findIndex((stored) => {
    const [otherNamespace, otherName] = order(keyText(stored));
    return otherNamespace > namespace || (otherNamespace === namespace && otherName > name);
  });
  return found === -1 ? all.length : found;
}

function heldList(
  core: Core,
  resource: Resource,
  selection: Selection,
  revision: number,
  token: ContinueToken | undefined,
): StoredObject[] {
  try {
    return core.store.listAt(resource.storage, selection.namespace, revision);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    if (!token) throw expired(`The resourceVersion for the provided list is too old.`);
    const refusal = expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
        'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
        'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
        'deleted between the time the first chunk was returned and now may show up in the list.',
    );
    throw new ApiError({
      ...refusal.status,
      metadata: { continue: encodeContinue({ revision: undefined, after: token.after }) },
    });
  }
}

const encodeContinue = ({ revision, after }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision ?? -1, start: after })).toString('base64url');

function decodeContinue(text: string): ContinueToken {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    if (v === 'meta.k8s.io/v1' && typeof rv === 'number' && typeof start === 'string' && start.includes('/'))
      return { revision: rv > 0 ? rv : undefined, after: start };
  } catch {
    // Falls through to the answer that every unreadable token gets.
  }
  throw badRequest(`continue key is not valid: ${JSON.stringify(text)}`);
}

function checkVersionParameters(input: ListInput): void {
  const { resourceVersion = '', resourceVersionMatch: match = '' } = input;
  const refuse = (detail: string) =>
    invalid('meta.k8s.io', 'ListOptions', '', [cause.forbidden('resourceVersionMatch', detail)]);
  if (resourceVersion && !/^\d+$/.test(resourceVersion))
    throw badRequest(
      `Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`,
    );
  if (input.continue && resourceVersion && resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  if (!match) return;
  if (!resourceVersion) throw refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (input.continue) throw refuse('resourceVersionMatch is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw invalid('meta.k8s.io', 'ListOptions', '', [
      cause.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']),
    ]);
  if (match === 'Exact' && resourceVersion === '0')
    throw refuse(`resourceVersionMatch "exact" is forbidden for resourceVersion "0"`);
}
