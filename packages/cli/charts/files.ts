import type { AnyObject } from '#api/kube';
import { Each, markText } from '#model/template';
import {
  CNI_OPEN_MAPS,
  CNI_VALUE_DOCS,
  CRD_DEFAULTS,
  cniObjects,
  controlPlaneParts,
  defaultCniValues,
  defaultValues,
  highAvailability,
  ineffective,
  OPEN_MAPS,
  type Refusal,
  refusals,
  renderCrds,
  VALUE_DOCS,
  type Values,
  WEBHOOKS,
  type WebhookCertificates,
} from '../manifests/index.ts';
import {
  defaultMulticluster,
  MULTICLUSTER_HA,
  MULTICLUSTER_OPEN_MAPS,
  MULTICLUSTER_VALUE_DOCS,
  type MulticlusterValues,
  multiclusterParts,
} from '../manifests/multicluster/index.ts';
import { toYaml } from '../output/yaml.ts';
import { VERSION } from '../version.ts';
import { openTree, openValues } from './open-values.ts';
import { printTemplate, printTest } from './print.ts';
import { valuesYaml } from './values-yaml.ts';

const NAMESPACE = markText('.Release.Namespace');
const MADE_BY = 'Made by `npm run generate` from packages/cli/manifests; do not edit.';

/** Values that only the chart of the definitions has. */
const OF_CRDS: ReadonlySet<string> = new Set(Object.keys(CRD_DEFAULTS).filter((key) => key !== 'cliVersion'));

/** Every file of the charts: path from the root -> text. */
export function chartFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...chart('linkerd-crds', 'Custom resource definitions of the mesh', crdFiles()),
    ...chart('linkerd-control-plane', 'The control plane of the mesh', controlPlaneFiles()),
    ...chart('linkerd-multicluster', 'Gateway and mirrors: services of other clusters', multiclusterFiles()),
    ...chart('linkerd2-cni', "The mesh's CNI plug-in, which replaces linkerd-init", cniFiles()),
  ]);
}

function chart(name: string, description: string, files: Record<string, string>): [string, string][] {
  const about = {
    apiVersion: 'v2',
    name,
    description,
    type: 'application',
    version: VERSION,
    appVersion: VERSION,
    kubeVersion: '>=1.31.0-0',
  };
  const all = { 'Chart.yaml': `# ${MADE_BY}\n${toYaml(about)}`, ...files };
  return Object.entries(all).map(([path, text]) => [`charts/${name}/${path}`, text]);
}

/** A template below `templates/`; `before`: what its expressions use. */
const template = (objects: readonly AnyObject[], before = ''): string =>
  `{{- /* ${MADE_BY} */}}\n${before}${printTemplate(objects)}`;

function crdFiles(): Record<string, string> {
  const values = openTree(CRD_DEFAULTS, '');
  return {
    'values.yaml': valuesFile(CRD_DEFAULTS, VALUE_DOCS, OPEN_MAPS),
    'templates/crds.yaml': template(renderCrds({ namespace: NAMESPACE, values })),
  };
}

function controlPlaneFiles(): Record<string, string> {
  const defaults = { ...chartDefaults(), cliVersion: '' };
  const values = openValues(defaults as Values);
  const config = markText('(toYaml $values)');
  const parts = controlPlaneParts({ namespace: NAMESPACE, values }, openCertificates(), config);
  const preambles: Readonly<Record<string, string>> = {
    config: PUBLIC_VALUES,
    ...Object.fromEntries(WEBHOOKS.map((hook) => [`${hook.service}-webhook`, certificate(hook)])),
  };
  const templates = Object.entries(parts).map(([part, objects]) => [
    `templates/${part}.yaml`,
    template(objects, preambles[part]),
  ]);
  return {
    'values.yaml': valuesFile(defaults, VALUE_DOCS, OPEN_MAPS),
    'values-ha.yaml': `# ${MADE_BY}\n# High availability: helm install … -f values-ha.yaml\n${toYaml(highAvailability())}`,
    'templates/_helpers.tpl': HELPERS,
    'templates/refusals.yaml': rowsTemplate(refusals(values), (message) => `{{- fail ${JSON.stringify(message)} }}`),
    'templates/NOTES.txt': rowsTemplate(ineffective(values), (message) => `warning: ${message}`),
    ...Object.fromEntries(templates),
  };
}

/** The defaults without what another chart has. */
function chartDefaults(): Partial<Values> {
  return Object.fromEntries(Object.entries(defaultValues()).filter(([key]) => !OF_CRDS.has(key)));
}

function cniFiles(): Record<string, string> {
  const defaults = { ...defaultCniValues(), cliVersion: '' };
  const values = openTree(defaults, '', CNI_OPEN_MAPS);
  return {
    'values.yaml': valuesFile(defaults, CNI_VALUE_DOCS, CNI_OPEN_MAPS),
    'templates/cni.yaml': template(cniObjects({ namespace: NAMESPACE, values })),
  };
}

/** What its chart lacks: Helm says the namespace, and makes it. */
function multiclusterFiles(): Record<string, string> {
  const { namespace: _namespace, cniEnabled: _cniEnabled, ...rest } = defaultMulticluster();
  const defaults = { ...rest, createdBy: `linkerd/helm ${VERSION}` };
  const values = {
    ...openTree(defaults, '', MULTICLUSTER_OPEN_MAPS),
    namespace: NAMESPACE,
    controllers: [openController(defaults)],
  } as unknown as MulticlusterValues;
  return {
    'values.yaml': valuesFile(defaults, MULTICLUSTER_VALUE_DOCS, MULTICLUSTER_OPEN_MAPS),
    'values-ha.yaml': `# ${MADE_BY}\n# High availability: helm install … -f values-ha.yaml\n${toYaml(MULTICLUSTER_HA)}`,
    ...Object.fromEntries(
      Object.entries(multiclusterParts(values)).map(([part, objects]) => [`templates/${part}.yaml`, template(objects)]),
    ),
  };
}

/** Each entry of `controllers`, over the defaults. */
function openController({ controllerDefaults }: Pick<MulticlusterValues, 'controllerDefaults'>): Each {
  const prefix = 'controllerDefaults.';
  const maps = [...MULTICLUSTER_OPEN_MAPS].flatMap((path) =>
    path.startsWith(prefix) ? path.slice(prefix.length) : [],
  );
  const settings = openTree(controllerDefaults, '', new Set(maps), '$controller');
  return new Each(
    '.Values.controllers',
    '$entry',
    { link: { ref: { name: markText('$entry.link.ref.name') } }, ...settings },
    ['$controller := mergeOverwrite (deepCopy $.Values.controllerDefaults) (deepCopy $entry)'],
  );
}

const valuesFile = (tree: object, docs: Readonly<Record<string, string>>, openMaps: ReadonlySet<string>): string =>
  `# ${MADE_BY}\n${valuesYaml(tree, docs, openMaps)}`;

/** A line for each row whose test holds. */
function rowsTemplate(rows: readonly Refusal[], line: (message: string) => string): string {
  const lines = rows.map(({ test, message }) => `{{- if ${printTest(test)} }}\n${line(message)}\n{{- end }}\n`);
  return `{{- /* ${MADE_BY} */}}\n${lines.join('')}`;
}

/** Certificates that the preamble of each webhook's template has found or made. */
function openCertificates(): WebhookCertificates {
  const open = { certificate: markText('$crt'), key: markText('$key'), caBundle: markText('$caBundle') };
  return Object.fromEntries(WEBHOOKS.map(({ valuesKey }) => [valuesKey, open])) as WebhookCertificates;
}

/** The chart's twin of `webhookCertificates`. */
function certificate({ service, valuesKey }: (typeof WEBHOOKS)[number]): string {
  const of = `.Values.${valuesKey}`;
  return `{{- $host := printf "${service}.%s.svc" .Release.Namespace }}
{{- $made := dict "Cert" "" "Key" "" }}
{{- if not (or ${of}.externalSecret ${of}.crtPEM) }}
{{- $made = genSelfSignedCert $host (list) (list $host) 365 }}
{{- end }}
{{- $crt := default $made.Cert ${of}.crtPEM }}
{{- $key := default $made.Key ${of}.keyPEM }}
{{- $caBundle := default $crt ${of}.caBundle }}
{{- if or ${of}.injectCaFrom ${of}.injectCaFromSecret }}
{{- $caBundle = "" }}
{{- end }}
`;
}

/** The chart's twin of `publicValues`: what everyone may read has no private keys. */
const PUBLIC_VALUES = `{{- $values := deepCopy .Values }}
{{- $_ := set $values.identity.issuer.tls "keyPEM" "" }}
${WEBHOOKS.map(({ valuesKey }) => `{{- $_ := set $values.${valuesKey} "keyPEM" "" }}`).join('\n')}
`;

/** Attributes of spans, a line each, as the proxy reads them. */
const HELPERS = `{{- /* ${MADE_BY} */}}
{{- define "weft.attributes" -}}
{{- range $key, $value := . }}{{ $key }}={{ $value | toString | replace "\\n" " " }}{{ "\\n" }}{{ end -}}
{{- end -}}
`;
