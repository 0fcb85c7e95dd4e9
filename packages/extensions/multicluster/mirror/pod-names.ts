import { MULTICLUSTER_ANNOTATIONS } from '#model/annotations';
import type { ObservedService } from './service.ts';

const { podNames } = MULTICLUSTER_ANNOTATIONS;

/** Whether a Service is to stay headless in other clusters. What cannot be read counts as not said, and `problem` tells of it. */
export function readPodNames({ headless, annotations }: Pick<ObservedService, 'headless' | 'annotations'>): {
  wanted: boolean;
  problem?: string;
} {
  const text = annotations[podNames.key];
  if (!headless || text === undefined) return { wanted: false };
  const wanted = podNames.parse(text);
  return wanted === undefined
    ? { wanted: false, problem: `${podNames.key}: expected ${podNames.expects}, got ${JSON.stringify(text)}` }
    : { wanted };
}
