import type { Condition } from '#api/kube';
import { keepTime, sameJson } from '../link/status.ts';
import { federatedName, MIRROR } from '../mirror/names.ts';
import type { ObservedService } from '../mirror/service.ts';
import type { Exported } from './import.ts';

/** What is known of one ServiceExport of the local cluster. */
export interface ExportScene {
  /** The Service of its name. */
  service: ObservedService | undefined;
  /** What all clusters export together, this one among them once it was heard. */
  exported: Exported | undefined;
  /** Whether our export stands on the federated Service. */
  heard: boolean;
  /** Why it does not come about. */
  failure: string | undefined;
  generation: number | undefined;
  nowIso: string;
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The conditions of a ServiceExport (KEP-1645, status), or undefined when they stand already. Conditions of others stay. */
export function exportConditions(current: readonly Condition[] = [], scene: ExportScene): Condition[] | undefined {
  const valid = validity(scene.service);
  const said = [valid, readiness(valid, scene), conflict(valid, scene)];
  const stay = current.filter(({ type }) => !said.some((each) => each.type === type));
  const fresh = said.map((each) =>
    keepTime<Condition>(
      {
        lastTransitionTime: scene.nowIso,
        ...each,
        ...(scene.generation !== undefined && { observedGeneration: scene.generation }),
      },
      current.find(({ type }) => type === each.type),
    ),
  );
  const all = [...stay, ...fresh];
  return sameJson(current, all) ? undefined : all;
}

function validity(service: ObservedService | undefined): Said {
  const no = (reason: string, message: string): Said => ({ type: 'Valid', status: 'False', reason, message });
  if (!service) return no('NoService', 'There is no Service of this name');
  if (service.external) return no('InvalidServiceType', 'A Service of type ExternalName cannot be exported');
  if (service.labels[MIRROR.mirroredService] !== undefined)
    return no('InvalidServiceType', 'The Service is itself a mirror of other clusters');
  return { type: 'Valid', status: 'True', reason: 'Valid', message: '' };
}

function readiness(valid: Said, { service, heard, failure }: ExportScene): Said {
  const say = (status: Said['status'], reason: string, message: string): Said => ({
    type: 'Ready',
    status,
    reason,
    message,
  });
  if (valid.status === 'False') return say('False', 'Pending', valid.message ?? '');
  if (failure !== undefined) return say('False', 'Failed', failure);
  if (!heard) return say('False', 'Pending', `Not yet a part of ${federatedName(service?.name ?? '')}`);
  return say('True', 'Ready', '');
}

function conflict(valid: Said, { exported, heard }: ExportScene): Said {
  const found = valid.status === 'True' && heard ? exported?.resolved.conflict : undefined;
  return found
    ? { type: 'Conflict', status: 'True', ...found }
    : { type: 'Conflict', status: 'False', reason: 'NoConflicts', message: '' };
}
