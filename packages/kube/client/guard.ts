import type { Gvr } from '#api/kube';

/**
 * Looks at what an API server sends before anybody else does, and throws an AnswerFault for what it must not be. The client calls it;
 * `#kube/guard` has the one for servers of others.
 */
export interface AnswerGuard {
  /** The longest answer: with lists, one page of it. Bytes. */
  readonly answerBytesMax: number;
  /** The longest object, as JSON. Bytes. */
  readonly objectBytesMax: number;
  /** Begins to look at a resource, as a list or watch of it does. */
  follow(gvr: Gvr): CollectionGuard;
}

/** One list, or one watch with the lists that it begins with. */
export interface CollectionGuard {
  /** A list begins: what was known of the objects counts no more. */
  listing(): void;
  /** One page of it, parsed, of so many bytes. May take out of objects what they must not contain. */
  page(page: unknown, bytes: number): void;
  /** One event of the watch, parsed, of so many bytes; false: it says nothing new. May change the object likewise. */
  event(event: unknown, bytes: number): boolean;
  /** The list or watch is over. */
  stop(): void;
}
