import { SERVICE_ACCOUNTS, type ServiceAccount } from '#api/kube';
import type { ClusterClient } from '../contract/index.ts';

/** Settles once `default/default` exists: from then on pods can be created. */
export function defaultAccountExists(client: ClusterClient): Promise<void> {
  return new Promise((done) => {
    let stop = (): void => {};
    const look = (account: ServiceAccount): void => {
      if (account.metadata.name !== 'default') return;
      done();
      queueMicrotask(() => stop());
    };
    const sink = { reset: (all: readonly ServiceAccount[]) => all.forEach(look), applied: look, deleted: () => {} };
    stop = client.watch<ServiceAccount>(SERVICE_ACCOUNTS, { namespace: 'default' }, sink);
  });
}
