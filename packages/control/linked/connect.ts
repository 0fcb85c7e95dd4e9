import { createKubeClient, type KubeClient, type ServerAccess } from '#kube/client';
import { inlineAccess } from '#kube/config';
import { createAnswerGuard, type GuardObserver } from '#kube/guard';
import { systemClock } from '#runtime/clock';
import { LINKED_BUDGET } from './limits.ts';

export type LinkedObserver = GuardObserver;

/**
 * Opens a linked cluster by the kubeconfig that a Secret has of it, or at `access`. What it sends is bounded by {@link LINKED_BUDGET}; lists
 * and watches of what must not be fail with an AnswerFault. Throws when the text is no self-contained kubeconfig.
 */
export function connectLinked(linked: string | ServerAccess, observer?: LinkedObserver): KubeClient {
  const access = typeof linked === 'string' ? inlineAccess(linked) : linked;
  return createKubeClient(access, undefined, createAnswerGuard(LINKED_BUDGET, systemClock, observer));
}
