import type { Deployment } from '#api/kube';

/** What the containers of a Deployment's pods are given, in order; nothing where there is none. */
export const containerArgs = (deployment: Deployment | undefined): string[] =>
  deployment?.spec?.template?.spec?.containers?.flatMap(({ args }) => args ?? []) ?? [];
