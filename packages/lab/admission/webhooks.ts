import type { AnyObject, Gvr } from '#api/kube';
import { AdmissionBindings, evaluateMatchConditions } from '#lab/admission-policy';
import type { AdmissionReviewInput, Resource } from '#lab/apiserver';
import type { Cel } from '#lab/cel';
import { ApiError } from '#lab/contract';
import { applyJsonPatch, PatchError } from '#lab/patch';
import { type Rule, ruleMatches, selectorsMatch } from './rules.ts';
import { converted, inVersion, versionFor } from './versions.ts';
import { viewOf } from './view.ts';
import {
  callWebhook,
  denied,
  failedCall,
  reviewOf,
  type Webhook,
  type WebhookDeps,
  WebhookFailure,
} from './webhook.ts';

const GROUP = 'admissionregistration.k8s.io';
/** Their own configurations are out of webhooks' reach, so that a broken one can be removed. */
const EXEMPT = new Set([
  `${GROUP}/mutatingwebhookconfigurations`,
  `${GROUP}/validatingwebhookconfigurations`,
  `${GROUP}/validatingadmissionpolicies`,
  `${GROUP}/validatingadmissionpolicybindings`,
]);

export interface WebhooksDeps extends WebhookDeps {
  /** All versions under which the same objects are served, the given one included. */
  readonly versionsOf: (resource: Resource) => readonly Resource[];
  readonly cel: Cel;
  readonly log: (line: string) => void;
}

/** A hook to ask, and the version in which it sees the object. */
interface Call {
  readonly hook: Webhook;
  readonly as: Resource;
}

/** Asks the registered webhooks about each write. */
export class Webhooks {
  readonly #deps: WebhooksDeps;

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** Runs the mutating hooks in order; hooks that ask for it run again once if a later one changed the object. */
  async mutate(input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const calls = this.#calls('mutatingwebhookconfigurations', input);
    let object = input.object;
    const seen = new Map<Call, AnyObject | undefined>();
    for (const call of calls) {
      object = await this.#mutateBy(call, { ...input, object });
      seen.set(call, object);
    }
    for (const call of calls)
      if (call.hook.reinvocationPolicy === 'IfNeeded' && seen.get(call) !== object)
        object = await this.#mutateBy(call, { ...input, object });
    return object;
  }

  /** Asks all validating hooks at once; the first denial or failure in their order counts. */
  async validate(input: AdmissionReviewInput): Promise<void> {
    const calls = this.#calls('validatingwebhookconfigurations', input);
    const asked = calls.map(({ hook, as }) => this.#ask(hook, inVersion(input, as), 'validating'));
    for (const result of await Promise.allSettled(asked)) if (result.status === 'rejected') throw result.reason;
  }

  async #mutateBy({ hook, as }: Call, input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const { object, resource } = input;
    // An earlier hook may have changed what this one selects by.
    if (!selectorsMatch(this.#deps.store, hook, input)) return object;
    const seen = inVersion(input, as);
    const answer = await this.#ask(hook, seen, 'mutating');
    if (!answer?.patch || !object) return object;
    try {
      const patched = applyJsonPatch(reviewObject(seen), answer.patch) as AnyObject;
      // What is posted to a subresource has a kind of its own, whose handler reads it.
      if (input.kind) return patched;
      return resource.shape.normalize(converted(patched, as, resource)).object;
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      throw failedCall(hook, new Error(`cannot apply its patch: ${error.message}`));
    }
  }

  async #ask(hook: Webhook, input: AdmissionReviewInput, kind: 'mutating' | 'validating') {
    if (input.request.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun')
      throw ApiError.of('BadRequest', `admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
    try {
      const answer = await callWebhook(this.#deps, hook, input, kind);
      for (const warning of answer.warnings) input.request.warn(warning);
      if (answer.allowed) return answer;
      throw denied(hook, answer.status);
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (hook.failurePolicy !== 'Ignore') throw failedCall(hook, error);
      this.#deps.log(`failing open: webhook ${hook.name}: ${error.message}`);
      return undefined;
    }
  }

  /** Hooks that want to see the request: configurations by name, hooks in their order. */
  #calls(resource: string, input: AdmissionReviewInput): Call[] {
    if (EXEMPT.has(input.resource.storage)) return [];
    return this.#deps.store
      .list(`${GROUP}/${resource}`)
      .flatMap(({ object }) => (object['webhooks'] ?? []) as Webhook[])
      .flatMap((hook) => this.#callOf(hook, input));
  }

  #callOf(hook: Webhook, input: AdmissionReviewInput): Call[] {
    const means = (gvr: Gvr): boolean => (hook.rules ?? []).some((rule: Rule) => ruleMatches(rule, input, gvr));
    const as = versionFor(input, hook.matchPolicy, this.#deps.versionsOf, means);
    if (!as || !selectorsMatch(this.#deps.store, hook, input)) return [];
    return this.#conditionsHold(hook, inVersion(input, as)) ? [{ hook, as }] : [];
  }

  /** Conditions that fail to run follow the failure policy. */
  #conditionsHold(hook: Webhook, input: AdmissionReviewInput): boolean {
    if (!hook.matchConditions?.length) return true;
    const { store, cel } = this.#deps;
    const outcome = evaluateMatchConditions(hook.matchConditions, new AdmissionBindings(viewOf(store, input)), cel);
    if (outcome.kind === 'failed' && hook.failurePolicy !== 'Ignore')
      throw failedCall(hook, new Error(outcome.message));
    return outcome.kind === 'match';
  }
}

/** The object as the webhook saw it, which its patch is relative to. */
const reviewObject = (input: AdmissionReviewInput): unknown =>
  (reviewOf(input, '') as { request: { object: unknown } }).request.object;
