import { isFailure } from './tables.ts';

/** A condition on the status of a response; both ends are included. */
export type ResponseCondition =
  | { readonly kind: 'status'; readonly from: number; readonly to: number }
  | { readonly kind: 'all' | 'any'; readonly of: readonly ResponseCondition[] }
  | { readonly kind: 'not'; readonly of: ResponseCondition };

/** What a profile says about responses of one kind, e.g. `{condition: {kind: 'status', from: 404, to: 404}, isFailure: true}`. */
export interface ResponseClass {
  readonly condition: ResponseCondition;
  readonly isFailure: boolean;
}

/** The response classes of one profile route: the first that holds decides, else the default tables do. */
export class ResponseClasses {
  readonly #classes: readonly ResponseClass[];

  constructor(classes: readonly ResponseClass[]) {
    this.#classes = classes;
  }

  /** As the function of that name. */
  isFailure(status: number, grpcStatus: number, grpc: boolean): boolean {
    for (const one of this.#classes) if (holds(one.condition, status)) return one.isFailure;
    return isFailure(status, grpcStatus, grpc);
  }
}

function holds(condition: ResponseCondition, status: number): boolean {
  switch (condition.kind) {
    case 'status':
      return status >= condition.from && status <= condition.to;
    case 'all':
      return condition.of.every((one) => holds(one, status));
    case 'any':
      return condition.of.some((one) => holds(one, status));
    case 'not':
      return !holds(condition.of, status);
  }
}
