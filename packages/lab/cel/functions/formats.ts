/** Kubernetes' named formats: `format.dns1123Label().validate(x)` gives an optional list of faults. */
import { CelScalar, celError, celFunc, celList, celMethod, listType, mapType } from '@bufbuild/cel';
import { fieldOf, NONE, opaque, some } from '../values.ts';

const { STRING, DYN } = CelScalar;
const MAP = mapType(STRING, DYN);

type Check = (text: string) => string[];

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

/** Kubernetes puts a comma behind each example, and two spaces before `or`. */
const regexFault = (message: string, pattern: string, ...examples: string[]) =>
  `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;

const LABEL_FAULT = regexFault(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  DNS_LABEL,
  'my-name',
  '123-abc',
);
const SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`;
const SUBDOMAIN_FAULT = regexFault(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  'example.com',
);
const DNS1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const DNS1035_FAULT = regexFault(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  DNS1035,
  'my-name',
  'abc-123',
);
const QUALIFIED_FAULT = regexFault(
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED,
  'MyName',
  'my.name',
  '123-abc',
);
const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_VALUE_FAULT = regexFault(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
);

/** Faults of a text by pattern and length. */
const shaped =
  (pattern: string, fault: string, charsMax: number): Check =>
  (text) => [
    ...(text.length > charsMax ? [`must be no more than ${charsMax} characters`] : []),
    ...(new RegExp(`^(?:${pattern})$`).test(text) ? [] : [fault]),
  ];

/** A name that will get a suffix may end in a dash. */
const asPrefix =
  (check: Check): Check =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -1)}a` : text);

const dns1123Label = shaped(DNS_LABEL, LABEL_FAULT, 63);
const dns1123Subdomain = shaped(SUBDOMAIN, SUBDOMAIN_FAULT, 253);
const dns1035Label = shaped(DNS1035, DNS1035_FAULT, 63);

function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2)
    return [
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.' with an optional DNS subdomain prefix and '/'",
    ];
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined;
  const prefixFaults =
    prefix === undefined
      ? []
      : prefix === ''
        ? ['prefix part must be non-empty']
        : dns1123Subdomain(prefix).map((fault) => `prefix part ${fault}`);
  const nameFaults =
    name === ''
      ? ['name part must be non-empty']
      : shaped(QUALIFIED, QUALIFIED_FAULT, 63)(name).map((fault) => fault.replace(/^must be/, 'name part must be'));
  return [...prefixFaults, ...nameFaults];
}

const matching =
  (pattern: RegExp, fault: string): Check =>
  (text) =>
    pattern.test(text) ? [] : [fault];

const CHECKS: Record<string, Check> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  dns1123LabelPrefix: asPrefix(dns1123Label),
  dns1123SubdomainPrefix: asPrefix(dns1123Subdomain),
  dns1035LabelPrefix: asPrefix(dns1035Label),
  qualifiedName,
  labelValue: shaped(LABEL_VALUE, LABEL_VALUE_FAULT, 63),
  uri: (text) => (URL.canParse(text) || text.startsWith('/') ? [] : ['invalid URI']),
  uuid: matching(/^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/, 'does not match the UUID format'),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ['invalid date']),
  datetime: (text) =>
    /^\d{4}-\d\d-\d\d[Tt ]/.test(text) && !Number.isNaN(Date.parse(text)) ? [] : ['invalid datetime'],
};

const formatValue = (name: string) => opaque('kubernetes.NamedFormat', { name });

/** format.<name>(), format.named(name), validate. */
export const formatFunctions = [
  ...Object.keys(CHECKS).map((name) => celFunc(`format.${name}`, [], MAP, () => formatValue(name))),
  celFunc('format.named', [STRING], listType(DYN), (name) => (CHECKS[name] ? some(formatValue(name)) : NONE)),
  celMethod('validate', MAP, [STRING], listType(DYN), function (text) {
    const check = CHECKS[String(fieldOf(this, 'kubernetes.NamedFormat', 'name'))];
    if (!check) throw celError('unknown format');
    const faults = check(text);
    return faults.length === 0 ? NONE : some(celList(faults));
  }),
];
