/** The proxy injector: decides which pods get a proxy, and how; a webhook around a pure function. */
export { resourcesField } from './containers.ts';
export { type AnnotationAt, SKIP_REASONS, type SkipReason } from './decide.ts';
export { type InjectRequest, type InjectResult, injectPod, patchService } from './inject.ts';
export { runInjector } from './main.ts';
export { effectiveAnnotations } from './overrides.ts';
export { renderSidecar, type SidecarOptions } from './sidecar.ts';
export { type InjectorValues, readValues } from './values.ts';
export { createInjector, type InjectorDeps } from './webhook.ts';
