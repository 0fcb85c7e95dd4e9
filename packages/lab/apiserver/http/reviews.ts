import type { AnyObject } from '#api/kube';
import type { Attributes, Authorizer, TokenReviewer, UserInfo } from '#lab/auth';
import { cause, invalid } from '../errors.ts';
import { timestamp } from '../object-meta.ts';
import type { Resource } from '../resource.ts';
import { readObject } from './bodies.ts';
import type { Call } from './call.ts';
import { headerOf, readBody } from './exchange.ts';
import { sendObject } from './verbs.ts';

/** What the virtual resources of authentication and authorization need. */
export interface ReviewDeps {
  readonly authorizer: Authorizer;
  readonly reviewer: TokenReviewer;
}

type Review = (deps: ReviewDeps, call: Call, body: AnyObject) => unknown | Promise<unknown>;

/** Resources that are answered and never stored: by `group/resource`, the function that makes their status. */
const REVIEWS: Readonly<Record<string, Review>> = {
  'authentication.k8s.io/tokenreviews': reviewToken,
  'authentication.k8s.io/selfsubjectreviews': (_, { user }) => ({ userInfo: userInfoOf(user) }),
  'authorization.k8s.io/selfsubjectaccessreviews': (deps, { user }, body) => accessStatus(deps, body, user),
  'authorization.k8s.io/subjectaccessreviews': (deps, _, body) => accessStatus(deps, body, subjectOf(body)),
  'authorization.k8s.io/localsubjectaccessreviews': (deps, _, body) => accessStatus(deps, body, subjectOf(body)),
  'authorization.k8s.io/selfsubjectrulesreviews': rulesStatus,
};

/** True for a resource that {@link answerReview} answers. */
export const isReview = ({ storage }: Resource): boolean => REVIEWS[storage] !== undefined;

/** POST of a review: 201 with the body and its status. */
export async function answerReview(deps: ReviewDeps, call: Call, resource: Resource): Promise<void> {
  const body = await readBody(call.request);
  const { object } = readObject(body, headerOf(call.request, 'content-type'), resource);
  const normal = resource.shape.normalize(object).object;
  const status = await REVIEWS[resource.storage]!(deps, call, normal);
  const metadata = { ...normal.metadata, creationTimestamp: timestamp(call.core.nowMs()) };
  sendObject(call, resource, { ...normal, metadata, status }, 201);
}

/** A user as reviews and webhooks show it. */
export const userInfoOf = ({ name, uid, groups, extra }: UserInfo): Record<string, unknown> => ({
  username: name,
  ...(uid && { uid }),
  groups: [...groups],
  ...(extra && Object.keys(extra).length > 0 && { extra }),
});

async function reviewToken({ reviewer }: ReviewDeps, call: Call, body: AnyObject): Promise<unknown> {
  const { token = '', audiences = [] } = (body['spec'] ?? {}) as { token?: string; audiences?: string[] };
  if (!token)
    throw invalid('authentication.k8s.io', 'TokenReview', '', [
      cause.required('spec.token', 'token is required for TokenReview in authentication'),
    ]);
  try {
    const found = await reviewer.review(token, audiences, call.core.nowMs());
    return { authenticated: true, user: userInfoOf(found.user), audiences: [...found.audiences] };
  } catch (error) {
    return { authenticated: false, user: {}, error: (error as Error).message };
  }
}

interface AccessSpec {
  resourceAttributes?: {
    namespace?: string;
    verb?: string;
    group?: string;
    resource?: string;
    subresource?: string;
    name?: string;
  };
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

const specOf = (body: AnyObject): AccessSpec => (body['spec'] ?? {}) as AccessSpec;

function subjectOf(body: AnyObject): UserInfo {
  const { user = '', uid, groups = [], extra } = specOf(body);
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

function accessStatus({ authorizer }: ReviewDeps, body: AnyObject, user: UserInfo): unknown {
  const { allowed, reason } = authorizer.authorize(attributesOf(body, user));
  return { allowed, ...(reason && { reason }) };
}

function attributesOf(body: AnyObject, user: UserInfo): Attributes {
  const { resourceAttributes, nonResourceAttributes } = specOf(body);
  if (Boolean(resourceAttributes) === Boolean(nonResourceAttributes))
    throw invalid('authorization.k8s.io', body.kind ?? '', '', [
      cause.invalid(
        'spec.resourceAttributes',
        resourceAttributes ?? null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    ]);
  if (nonResourceAttributes) {
    const { path = '', verb = '' } = nonResourceAttributes;
    return { user, verb: verb.toLowerCase(), path };
  }
  const { verb = '', group = '', resource = '', subresource, namespace, name } = resourceAttributes!;
  return { user, verb: verb.toLowerCase(), group, resource, subresource, namespace, name };
}

function rulesStatus({ authorizer }: ReviewDeps, { user }: Call, body: AnyObject): unknown {
  const { namespace = '' } = (body['spec'] ?? {}) as { namespace?: string };
  const rules = authorizer.rules(user, namespace);
  return {
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames?.length && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}
