import { isFailure } from './tables.ts';

/** A condition on the status of a response; bounds are inclusive. */
export type ResponseMatch =
  | { readonly kind: 'status'; readonly min: number; readonly max: number }
  | { readonly kind: 'all' | 'any'; readonly matches: readonly ResponseMatch[] }
  | { readonly kind: 'not'; readonly match: ResponseMatch };

/** What a profile says about responses of one kind, e.g. `{match: {kind: 'status', min: 404, max: 404}, failure: true}`. */
export interface ResponseClass {
  readonly match: ResponseMatch;
  readonly failure: boolean;
}

/** The response classes of one profile route: the first that matches decides, else the default tables do. */
export class ResponseClasses {
  readonly #classes: readonly ResponseClass[];

  constructor(classes: readonly ResponseClass[]) {
    this.#classes = classes;
  }

  /** As {@link isFailure}. */
  isFailure(status: number, grpcStatus: number, grpc: boolean): boolean {
    for (const { match, failure } of this.#classes) if (matches(match, status)) return failure;
    return isFailure(status, grpcStatus, grpc);
  }
}

function matches(match: ResponseMatch, status: number): boolean {
  switch (match.kind) {
    case 'status':
      return status >= match.min && status <= match.max;
    case 'all':
      return match.matches.every((one) => matches(one, status));
    case 'any':
      return match.matches.some((one) => matches(one, status));
    case 'not':
      return !matches(match.match, status);
  }
}
