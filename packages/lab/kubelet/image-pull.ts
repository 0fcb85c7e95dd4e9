import type { PodEvent } from './pod-context.ts';

/** What follows from an image that no one has registered: the state to show and the events to write. */
export interface PullFailure {
  reason: 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull';
  message: string;
  events: readonly PodEvent[];
}

const WHY = 'no image of this name is registered in the lab; see "weft lab up --images"';

const warning = (reason: string, message: string): PodEvent => ({ type: 'Warning', reason, message });
const normal = (reason: string, message: string): PodEvent => ({ type: 'Normal', reason, message });

/** The first failure is ErrImagePull, later ones are a back-off; with policy Never nothing is tried. */
export function pullFailure(image: string, options: { isFirst: boolean; policy: string | undefined }): PullFailure {
  if (options.policy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    return { reason: 'ErrImageNeverPull', message, events: [warning('ErrImageNeverPull', message)] };
  }
  if (options.isFirst)
    return {
      reason: 'ErrImagePull',
      message: `failed to pull image "${image}": ${WHY}`,
      events: [
        normal('Pulling', `Pulling image "${image}"`),
        warning('Failed', `Failed to pull image "${image}": ${WHY}`),
        warning('Failed', 'Error: ErrImagePull'),
      ],
    };
  const message = `Back-off pulling image "${image}"`;
  return {
    reason: 'ImagePullBackOff',
    message,
    events: [normal('BackOff', message), warning('Failed', 'Error: ImagePullBackOff')],
  };
}
