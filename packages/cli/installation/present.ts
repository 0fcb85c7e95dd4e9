import { parse } from 'yaml';
import { CONFIG_MAPS, type Gvr, type KubeObject, SECRETS } from '#api/kube';
import { isNotFound, type KubeClient } from '#kube/client';
import { DAY_MS, describeCertificate, readCertificates } from '../certificates/index.ts';
import { UserError } from '../context.ts';
import { type PresentCertificates, WEBHOOKS } from '../manifests/index.ts';
import { parseManifests } from '../output/yaml.ts';

/** What an earlier installation left, as far as the next one keeps it. */
export interface Present {
  /** Values that differed from the defaults. */
  overrides: Record<string, unknown>;
  /** The issuer as it is now: somebody may have changed it since. */
  issuer?: { certificate: string; key: string };
  anchors?: string;
  /** Serving certificates that are good for a while. */
  webhooks: PresentCertificates;
}

interface WithData extends KubeObject {
  data?: Record<string, string>;
}

/** Finds an object by kind and name, or nothing. */
type Find = (kind: 'Secret' | 'ConfigMap', name: string) => Promise<WithData | undefined>;

const GVRS: Readonly<Record<'Secret' | 'ConfigMap', Gvr>> = { Secret: SECRETS, ConfigMap: CONFIG_MAPS };
/** Certificates that last less are made anew. */
const KEEP_DAYS_MIN = 60;

/** Reads the cluster. Throws where the command line did not install what is there. */
export const presentFromCluster = (client: KubeClient, namespace: string, nowMs: number): Promise<Present> =>
  present(async (kind, name) => {
    try {
      return await client.get<WithData>(GVRS[kind], name, namespace);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }, nowMs);

/** Reads manifests that an earlier run printed. */
export function presentFromManifests(text: string, source: string, nowMs: number): Promise<Present> {
  const objects = parseManifests(text, source);
  return present(async (kind, name) => {
    const found = objects.find((object) => object.kind === kind && object.metadata?.name === name);
    return found as WithData | undefined;
  }, nowMs);
}

async function present(find: Find, nowMs: number): Promise<Present> {
  const secret = await find('Secret', 'linkerd-config-overrides');
  const text = secret?.data?.['linkerd-config-overrides'];
  if (text === undefined) throw new UserError(await missing(find));
  const issuer = (await find('Secret', 'linkerd-identity-issuer'))?.data;
  const anchors = (await find('ConfigMap', 'linkerd-identity-trust-roots'))?.data?.['ca-bundle.crt'];
  const certificate = decoded(issuer?.['crt.pem']);
  const key = decoded(issuer?.['key.pem']);
  return {
    overrides: (parse(decoded(text) ?? '') ?? {}) as Record<string, unknown>,
    ...(certificate && key && { issuer: { certificate, key } }),
    ...(anchors && { anchors }),
    webhooks: await webhooks(find, nowMs),
  };
}

async function missing(find: Find): Promise<string> {
  if (!(await find('ConfigMap', 'linkerd-config')))
    return 'there is no control plane here: neither ConfigMap linkerd-config nor Secret linkerd-config-overrides; run linkerd install';
  return 'there is no Secret linkerd-config-overrides: was the control plane installed by Helm? Then upgrade it by helm upgrade';
}

async function webhooks(find: Find, nowMs: number): Promise<PresentCertificates> {
  const result: PresentCertificates = {};
  for (const { service, valuesKey } of WEBHOOKS) {
    const data = (await find('Secret', `${service}-k8s-tls`))?.data;
    const certificate = decoded(data?.['tls.crt']);
    const key = decoded(data?.['tls.key']);
    if (certificate && key && lasts(certificate, nowMs)) result[valuesKey] = { certificate, key };
  }
  return result;
}

function lasts(pem: string, nowMs: number): boolean {
  const [certificate] = readCertificates(pem);
  return describeCertificate(certificate!).notAfterMs > nowMs + KEEP_DAYS_MIN * DAY_MS;
}

const decoded = (data: string | undefined): string | undefined =>
  data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
