/** Authorization as the mesh names it: the default policies and what each permits. */
export * from './default-policy.ts';
