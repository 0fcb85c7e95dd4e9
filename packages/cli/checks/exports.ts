import type { Condition, KubeObject } from '#api/kube';
import { SERVICE_EXPORTS, type ServiceExport } from '#extensions/multicluster';
import { ifFound, type KubeClient } from '#kube/client';
import { type Check, CheckFailure, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

/** What the Multi-Cluster Services API says of the own exports; nothing in a cluster without its kinds. */
export const exportsCheck = (subject: CheckSubject): Check => ({
  description: 'service exports are valid and agree',
  anchor: 'weft-multicluster-service-exports',
  remedy:
    'Every ServiceExport has a Service of its name that can be exported, and all clusters that export it agree about it. The conditions of the ServiceExport say what is missing, or which cluster says what; the oldest export rules until the others follow.',
  severity: 'warning',
  async run() {
    const exports = await exportsOf(await subject.client());
    if (exports.length === 0) throw new CheckSkipped('no service exports');
    const lines = exports.flatMap((each) => problems(each).map((problem) => `${nameOf(each)}: ${problem}`));
    if (lines.length > 0) throw new CheckFailure('Service exports with problems:', lines.sort());
  },
});

/** All of the cluster; none without the kind. */
export const exportsOf = async (client: KubeClient): Promise<ServiceExport[]> =>
  (await ifFound(client.list<ServiceExport>(SERVICE_EXPORTS)))?.items ?? [];

function problems({ status }: ServiceExport): string[] {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return ['no controller has looked at it'];
  return conditions.filter(isBad).map(({ type, reason, message }) => `${type}: ${reason}: ${message}`);
}

const isBad = ({ type, status }: Condition): boolean =>
  type === 'Conflict' ? status === 'True' : (type === 'Valid' || type === 'Ready') && status === 'False';

const nameOf = ({ metadata }: KubeObject): string => `${metadata.name}.${metadata.namespace}`;
