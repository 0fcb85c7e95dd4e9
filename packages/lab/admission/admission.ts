import type { Duplex } from 'node:stream';
import type { AnyObject } from '#api/kube';
import type { AdmissionReviewInput, Resource } from '#lab/apiserver';
import type { Cel } from '#lab/cel';
import type { Store } from '#lab/store';
import { checkNamespaceLifecycle } from './namespace-lifecycle.ts';
import { enforcePolicies } from './policies.ts';
import { admitPriority } from './priority.ts';
import { admitServiceAccount } from './service-account.ts';
import { Webhooks } from './webhooks.ts';

/** What admission needs of its surroundings. */
export interface AdmissionDeps {
  readonly store: Store;
  readonly random: () => number;
  readonly cel: Cel;
  /** All versions under which the same objects are served, the given one included. */
  readonly versionsOf: (resource: Resource) => readonly Resource[];
  /** The resource of a kind; undefined where it is not served. */
  readonly resourceOf: (apiVersion: string, kind: string) => Resource | undefined;
  /** Connects to an address in the cluster's network. */
  readonly dial: (host: string, port: number) => Promise<Duplex>;
  readonly log: (line: string) => void;
}

/** The admission chain of one API server. */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #webhooks: Webhooks;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#webhooks = new Webhooks(deps);
  }

  /** Built-in mutations, then webhooks. The result is in normal form. */
  async mutate(input: AdmissionReviewInput): Promise<AnyObject | undefined> {
    const { store, random } = this.#deps;
    checkNamespaceLifecycle(store, input);
    let { object } = input;
    if (object && isNewPod(input)) object = admitPriority(store, admitServiceAccount(store, object, random));
    return this.#webhooks.mutate({ ...input, object });
  }

  async validate(input: AdmissionReviewInput): Promise<void> {
    enforcePolicies(this.#deps, input);
    await this.#webhooks.validate(input);
  }
}

const isNewPod = ({ operation, resource, subresource }: AdmissionReviewInput): boolean =>
  operation === 'CREATE' && resource.storage === '/pods' && !subresource;
