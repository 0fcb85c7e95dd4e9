/** Distinct expressions kept compiled; a cluster with every CRD we know of has about 300. */
export const PROGRAMS_MAX = 2000;

/** Distinct patterns kept compiled. */
export const PATTERNS_MAX = 2000;

/** Longest expression read; Kubernetes bounds them by their estimated cost instead. */
export const EXPRESSION_CHARS_MAX = 100_000;
