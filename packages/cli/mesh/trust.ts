import { createCertificate, type Trust } from '../certificates/index.ts';

const DAYS = 365;

/** One trust anchor, and below it an issuer for each cluster: what clusters need to trust each other. */
export async function createSharedTrust(clusters: readonly string[]): Promise<Map<string, Trust>> {
  const root = await createCertificate({ commonName: 'root.linkerd.cluster.local', isCa: true, days: DAYS });
  const issuers = await Promise.all(
    clusters.map(async (cluster): Promise<[string, Trust]> => {
      const issuer = await createCertificate({
        commonName: 'identity.linkerd.cluster.local',
        isCa: true,
        days: DAYS,
        issuer: root,
      });
      return [cluster, { anchors: root.certificate, issuer }];
    }),
  );
  return new Map(issuers);
}
