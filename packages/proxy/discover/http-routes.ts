import type { Meta } from './meta.ts';
import type { Backend } from './outbound-policy.ts';

/** A regular expression that matches a whole text. */
export interface TextPattern {
  test(text: string): boolean;
}

export type TextMatch =
  | { readonly kind: 'exact' | 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly regex: TextPattern };

/** One condition on a request; all parts must hold. */
export interface HttpMatch {
  /**
   * A gRPC route's match: `POST /service/method`, '' being any. It is ranked by the length of `service`, then of `method`, then by
   * headers; `path`, `query` and `method` of the match are unset.
   */
  readonly rpc?: { readonly service: string; readonly method: string };
  readonly path: TextMatch | undefined;
  readonly headers: readonly { readonly name: string; readonly match: TextMatch }[];
  readonly query: readonly { readonly name: string; readonly match: TextMatch }[];
  readonly method: string | undefined;
}

export type HostMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'suffix'; readonly value: string };

export interface HeaderEdit {
  readonly add: readonly (readonly [string, string])[];
  readonly set: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

/** What a route does to requests and responses. `ratio`: part of the requests it is done to, 0 to 1. */
export type HttpFilter =
  | { readonly kind: 'fail'; readonly status: number; readonly message: string; readonly ratio: number }
  /** The same for gRPC routes; `code` is the status number of the answer. */
  | { readonly kind: 'fail-grpc'; readonly code: number; readonly message: string; readonly ratio: number }
  | { readonly kind: 'request-headers'; readonly edit: HeaderEdit }
  | { readonly kind: 'response-headers'; readonly edit: HeaderEdit }
  | {
      readonly kind: 'redirect';
      readonly status: number;
      readonly scheme: string | undefined;
      readonly host: string | undefined;
      readonly port: number | undefined;
      readonly path: PathEdit | undefined;
    }
  // Weft only, from here on: control planes send them to proxies that ask for them.
  /** Changes what the backend sees; `host` replaces the authority. */
  | { readonly kind: 'rewrite'; readonly path: PathEdit | undefined; readonly host: string | undefined }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly ratio: number }
  /** A copy goes to another backend too, whose response is thrown away. */
  | { readonly kind: 'mirror'; readonly backend: Backend; readonly ratio: number };

/** `full`: the new path. `prefix`: takes the place of what the route's prefix matched. */
export interface PathEdit {
  readonly kind: 'full' | 'prefix';
  readonly value: string;
}

/** A route: hosts, rules in order, and what a rule leads to. */
export interface HttpRoute<R> {
  readonly meta: Meta;
  readonly hosts: readonly HostMatch[];
  readonly rules: readonly (R & { readonly matches: readonly HttpMatch[]; readonly filters: readonly HttpFilter[] })[];
}
