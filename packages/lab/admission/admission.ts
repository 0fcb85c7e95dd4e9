import type { AnyObject } from '#api/kube';
import type { AdmissionReviewInput } from '#lab/apiserver';
import type { Store } from '#lab/store';
import { checkNamespaceLifecycle } from './namespace-lifecycle.ts';
import { admitPriority } from './priority.ts';
import { admitServiceAccount } from './service-account.ts';

/** What admission needs of its surroundings. */
export interface AdmissionDeps {
  readonly store: Store;
  readonly random: () => number;
}

/** The admission chain of one API server. */
export class Admission {
  readonly #deps: AdmissionDeps;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  async mutate(input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const { store, random } = this.#deps;
    checkNamespaceLifecycle(store, input);
    let { object } = input;
    if (object && isNewPod(input)) object = admitPriority(store, admitServiceAccount(store, object, random));
    return object;
  }

  async validate(input: AdmissionReviewInput): Promise<void> {
    if (input.operation === 'DELETE') checkNamespaceLifecycle(this.#deps.store, input);
  }
}

const isNewPod = ({ operation, resource, subresource }: AdmissionReviewInput): boolean =>
  operation === 'CREATE' && resource.storage === '/pods' && !subresource;
