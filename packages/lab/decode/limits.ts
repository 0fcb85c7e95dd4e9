/** Nesting beyond this is refused: our walks are recursive, and no Kubernetes object comes near it. */
export const DEPTH_MAX = 1000;

/** Reported duplicate fields; more say nothing new. Kubernetes' own limit. */
export const DUPLICATES_MAX = 100;
