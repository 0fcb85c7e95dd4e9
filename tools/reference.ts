/**
 * Writes the reference pages that stand in tables of the code: `npm run generate`. Each page says what it is made from; a test
 * fails when one is stale.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chartFiles } from '#cli/charts';
import { allCategories, type Check } from '#cli/checks';
import { OPERATORS, type OperatorRow } from '#model/access-log';
import {
  ANNOTATIONS,
  type AnnotationRow,
  annotationSchema,
  ENDPOINT_ANNOTATIONS,
  MULTICLUSTER_ANNOTATIONS,
  REQUEST_ANNOTATIONS,
} from '#model/annotations';
import { FAULTS, type FaultRow } from '#model/faults';
import { HEADERS } from '#model/headers';
import { METRIC_CHAPTERS, type MetricRow } from '#model/metrics';
import { CONFIG_ROWS, type ConfigRow, envName } from '#model/proxy-config';
import { CODES } from '#wire/grpc';
import { customTypes } from './custom-types.ts';
import { customResourcesPage, installValuesPage } from './install-pages.ts';
import { linkFaultsPage } from './link-faults-page.ts';
import { code, page, table } from './pages.ts';

export const root = join(import.meta.dirname, '..');

/** Path from the root -> text. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ...chartFiles(),
    ['packages/api/kube/custom.gen.ts', customTypes()],
    ['docs/reference/custom-resources.md', customResourcesPage()],
    ['docs/reference/install-values.md', installValuesPage()],
    ['docs/reference/proxy-metrics.md', metricsPage()],
    ['docs/reference/proxy-configuration.md', configurationPage()],
    ['docs/reference/proxy-faults.md', faultsPage()],
    ['docs/reference/proxy-headers.md', headersPage()],
    ['docs/reference/access-log.md', accessLogPage()],
    ['docs/reference/annotations.md', annotationsPage()],
    ['docs/reference/checks.md', checksPage()],
    ['docs/reference/link-faults.md', linkFaultsPage()],
    ['docs/reference/annotations.schema.json', `${JSON.stringify(annotationSchema(), null, 2)}\n`],
  ]);
}

function metricsPage(): string {
  const chapters = Object.entries(METRIC_CHAPTERS).map(([title, rows]) => {
    const lines = Object.entries(rows as Record<string, MetricRow>).map(([name, row]) => [
      code(name),
      row.type,
      row.labels.map(code).join(' '),
      row.buckets ? `${row.help} Buckets: ${row.buckets.join(' ')}.` : row.help,
    ]);
    return `## ${title}\n\n${table(['metric', 'kind', 'labels', 'counts'], lines)}`;
  });
  return page(
    'Metrics of the proxy',
    'packages/model/metrics',
    `The proxy's admin port answers \`/metrics\` in Prometheus' text format, or in OpenMetrics for those who accept it. A label that
does not apply is left out, except where an empty value has a meaning; \`dst_*\` and \`rt_*\` stand for every label that the control
plane gives an endpoint or a route. The page holds at most ${code(envName(CONFIG_ROWS.metricsSeriesMax))} samples: label sets beyond are
counted together in a series of their family whose labels all say \`_folded\`, and \`metrics_series_folded_total\` tells how often.`,
    ...chapters,
  );
}

function configurationPage(): string {
  const lines = (Object.values(CONFIG_ROWS) as ConfigRow[]).map((row) => [
    code(envName(row)),
    row.type,
    row.required ? 'required' : code(row.fallback ?? ''),
    row.doc,
  ]);
  return page(
    'Configuration of the proxy',
    'packages/model/proxy-config',
    `All settings come from environment variables; an empty one counts as unset. A duration is a number with a unit: \`500ms\`, \`10s\`,
\`2m\`, \`1h\`, \`1d\`. A value that cannot be read is named at the start, with what was expected.`,
    table(['variable', 'kind', 'default', 'meaning'], lines),
  );
}

const GRPC_NAMES = Object.keys(CODES);
const SIDES: Readonly<Record<FaultRow['side'], string>> = {
  downstream: 'client',
  upstream: 'server',
  control: 'control plane',
  self: 'proxy',
};
const RETRIES: Readonly<Record<FaultRow['retry'], string>> = {
  never: 'no',
  'if-unsent': 'if nothing was sent',
  'if-reused': 'on a reused connection',
};

function faultsPage(): string {
  const lines = (Object.entries(FAULTS) as [string, FaultRow][]).map(([name, row]) => [
    code(name),
    row.text,
    SIDES[row.side],
    String(row.status),
    GRPC_NAMES[row.grpc] ?? String(row.grpc),
    row.closes ? 'yes' : 'no',
    RETRIES[row.retry],
    code(row.label ?? ''),
  ]);
  return page(
    'Faults of the proxy',
    'packages/model/faults',
    `What the proxy answers itself, or breaks off, and why. Clients who may know find the text in \`l5d-proxy-error\` (in \`grpc-message\`
for gRPC). The last column is the value of \`error\` in \`inbound_http_errors_total\` and its kin; empty: not counted there.`,
    table(['code', 'meaning', 'whose', 'status', 'gRPC', 'closes', 'goes to another endpoint', 'error'], lines),
  );
}

function headersPage(): string {
  const lines = Object.entries(HEADERS).map(([name, row]) => [
    code(name),
    row.doc,
    row.strip.length === 0 ? '' : row.strip.map((where) => where.replace('-', ' ')).join(', '),
  ]);
  return page(
    'Header fields that the proxy reads or writes',
    'packages/model/headers',
    'Whatever is not listed passes unchanged, but for the fields of one connection (RFC 9110 section 7.6.1).',
    table(['field', 'meaning', 'removed from'], lines),
  );
}

function accessLogPage(): string {
  const lines = (Object.entries(OPERATORS) as [string, OperatorRow][]).map(([name, row]) => [
    code(row.argument === undefined ? `%${name}%` : `%${name}(${row.argument})%`),
    row.doc,
  ]);
  return page(
    'Access log',
    'packages/model/access-log',
    `The annotation \`config.linkerd.io/access-log\` (${code(envName(CONFIG_ROWS.accessLog))}) has the proxy write a line to standard error for each
inbound request, when the head of its response goes out. Its value is \`apache\`, \`json\`, or a format with the operators below, e.g.
\`%START_TIME% %REQ(:METHOD)% %REQ(X-REQUEST-ID?X-B3-TRACEID):36% %RESPONSE_CODE%\`: \`:36\` cuts a value, \`%%\` is a per cent sign, \`-\` stands
for what is not there, and quotes, backslashes and control characters become \`\\x22\` and the like.`,
    table(['operator', 'value'], lines),
  );
}

function annotationsPage(): string {
  const lines = (Object.values(ANNOTATIONS) as AnnotationRow[]).map((row) => [
    code(row.key),
    row.doc,
    row.expects,
    row.inherited ? 'yes' : 'no',
    code(row.flag ?? ''),
  ]);
  const others = (rows: Readonly<Record<string, Record<'key' | 'on' | 'doc' | 'expects', string>>>) =>
    table(
      ['annotation', 'on', 'meaning', 'expects'],
      Object.values(rows).map((row) => [code(row.key), row.on, row.doc, row.expects]),
    );
  return page(
    'Annotations',
    'packages/model/annotations',
    `Annotations of a pod, or of the pod template of a workload, set up its proxy when the pod is created: a running pod keeps what it
started with. Those marked so are taken over from the namespace where the pod has none of its own. A value that cannot be read, and a
key under \`config.linkerd.io/\` that nothing knows, has no effect: whoever writes the workload, the namespace or the pod is warned
(\`kubectl\` shows it), the injector's log says so when a pod comes, and \`check --proxy\` lists it. [annotations.schema.json](annotations.schema.json) is the same table as a JSON schema of \`metadata.annotations\`.`,
    table(['annotation', 'meaning', 'expects', 'from the namespace', 'flag of `inject`'], lines),
    `Besides: \`resource.opentelemetry.io/<attribute>\` sets an attribute of the spans of the pod's proxy. The label
\`config.linkerd.io/admission-webhooks: disabled\` of a namespace keeps the webhooks away from it.`,
    '## Traffic of endpoints',
    others(ENDPOINT_ANNOTATIONS),
    '## Services of other clusters',
    others(MULTICLUSTER_ANNOTATIONS),
    '## Requests',
    `Of a Service or EgressNetwork, and of HTTPRoutes, GRPCRoutes and, where it makes sense, TLSRoutes and TCPRoutes that lead to one. They count in the
client's cluster, mirrored and federated services included. Time-outs and retries of a route go before those of its Service. Admission refuses
a route with a value that cannot be read; where it was not asked, the value counts as not set, all of its group with it (time-outs, retries,
faults, circuit breaker), the route has the condition PartiallyInvalid and the policy controller logs it.`,
    others(REQUEST_ANNOTATIONS),
  );
}

const SEVERITIES: Readonly<Record<NonNullable<Check['severity']>, string>> = {
  fatal: 'A failure ends the run.',
  error: 'A failure fails the run.',
  warning: 'A failure is a warning.',
};

function checksPage(): string {
  const chapters = allCategories().map(({ name, checks }) => {
    const anchors = [...new Set(checks.map(({ anchor }) => anchor))];
    const parts = anchors.map((anchor) => {
      const lines = checks
        .filter((check) => check.anchor === anchor)
        .map(({ description, remedy, severity = 'error', retry }) => {
          const again = retry ? ' It is tried again for as long as --wait says.' : '';
          return `**${description}** ${remedy} ${SEVERITIES[severity]}${again}`;
        });
      return `### <a id="${anchor}"></a>${anchor}\n\n${lines.join('\n\n')}`;
    });
    return `## ${name}\n\n${parts.join('\n\n')}`;
  });
  return page(
    'Checks',
    'packages/cli/checks',
    `\`check\` looks at an installation and says what is wrong with it: what each line looks at, and what to do when it fails. The names of
categories, checks and anchors are Linkerd's, but for those that begin with \`weft-\`. \`--pre\` looks at a cluster before an installation,
\`--crds\` at definitions only, \`--proxy\` at what is meshed; \`-o short\` prints only what is wrong, \`-o json\` a document for the core and
one for each extension. The exit code is 1 when anything but warnings failed.`,
    ...chapters,
    `## Extensions\n\n### <a id="extensions"></a>extensions\n\n**Linkerd extension command linkerd-… exists** A namespace carries the label
linkerd.io/extension, or a program \`linkerd-…\` on PATH says that it checks always: \`linkerd-… check --output=json\` is run, and its
results are shown. Install the program of the extension. A failure is a warning.`,
  );
}

if (import.meta.main)
  for (const [path, text] of referencePages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
