import type { AnyObject } from '#api/kube';
import type { AdmissionReviewInput } from '#lab/apiserver';
import { type Cel, CelCompileError, CelEvaluationError } from '#lab/cel';
import { ApiError } from '#lab/contract';
import { applyJsonPatch, PatchError } from '#lab/patch';
import { type Rule, ruleMatches, selectorsMatch } from './rules.ts';
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
  readonly cel: Cel;
  readonly log: (line: string) => void;
}

/** Asks the registered webhooks about each write. */
export class Webhooks {
  readonly #deps: WebhooksDeps;

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** Runs the mutating hooks in order; hooks that ask for it run again once if a later one changed the object. */
  async mutate(input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const hooks = this.#matching('mutatingwebhookconfigurations', input);
    if (hooks.length === 0) return input.object;
    let object = input.object;
    const seen = new Map<Webhook, AnyObject | undefined>();
    for (const hook of hooks) {
      object = await this.#mutateBy(hook, { ...input, object });
      seen.set(hook, object);
    }
    for (const hook of hooks)
      if (hook.reinvocationPolicy === 'IfNeeded' && seen.get(hook) !== object)
        object = await this.#mutateBy(hook, { ...input, object });
    return object;
  }

  /** Asks all validating hooks at once; the first denial or failure in their order counts. */
  async validate(input: AdmissionReviewInput): Promise<void> {
    const hooks = this.#matching('validatingwebhookconfigurations', input);
    const results = await Promise.allSettled(hooks.map((hook) => this.#ask(hook, input, 'validating')));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #mutateBy(hook: Webhook, input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const { object, resource } = input;
    // An earlier hook may have changed what this one selects by.
    if (!selectorsMatch(this.#deps.store, hook, input)) return object;
    const answer = await this.#ask(hook, input, 'mutating');
    if (!answer?.patch || !object) return object;
    try {
      const patched = applyJsonPatch(reviewObject(input), answer.patch) as AnyObject;
      return resource.shape.normalize(patched).object;
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
  #matching(resource: string, input: AdmissionReviewInput): Webhook[] {
    if (EXEMPT.has(input.resource.storage)) return [];
    return this.#deps.store
      .list(`${GROUP}/${resource}`)
      .flatMap(({ object }) => (object['webhooks'] ?? []) as Webhook[])
      .filter((hook) => this.#matches(hook, input));
  }

  #matches(hook: Webhook, input: AdmissionReviewInput): boolean {
    if (!(hook.rules ?? []).some((rule: Rule) => ruleMatches(rule, input))) return false;
    return selectorsMatch(this.#deps.store, hook, input) && this.#conditionsHold(hook, input);
  }

  /** All conditions must be true; one that fails to run follows the failure policy. */
  #conditionsHold(hook: Webhook, input: AdmissionReviewInput): boolean {
    const conditions = hook.matchConditions ?? [];
    if (conditions.length === 0) return true;
    const { request } = reviewOf(input, '') as { request: Record<string, unknown> };
    const bindings = { request, object: request['object'] ?? null, oldObject: request['oldObject'] ?? null };
    try {
      return conditions.every(
        ({ expression }) => this.#deps.cel.compile(expression, Object.keys(bindings)).runJson(bindings) === true,
      );
    } catch (error) {
      if (!(error instanceof CelEvaluationError) && !(error instanceof CelCompileError)) throw error;
      if (hook.failurePolicy === 'Ignore') return false;
      throw failedCall(hook, new Error(`match condition: ${error.message}`));
    }
  }
}

/** The object as the webhook saw it, which its patch is relative to. */
const reviewObject = (input: AdmissionReviewInput): unknown =>
  (reviewOf(input, '') as { request: { object: unknown } }).request.object;
