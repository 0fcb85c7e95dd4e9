/** The forms of names that Kubernetes knows, with its words for what is wrong with others. */

const LABEL_MAX = 63;
const SUBDOMAIN_MAX = 253;
const PORT_NAME_MAX = 15;
const CONFIG_KEY_MAX = 253;

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`;
const DNS_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const HEADER = '[-A-Za-z0-9]+';
const PERCENT = '[0-9]+%';

/** Complaints about a text, in kube's words; none where it fits. */
export type TextRule = (text: string) => string[];

const lengthComplaint = (text: string, lengthMax: number): string[] =>
  text.length > lengthMax ? [`must be no more than ${lengthMax} characters`] : [];
const whole = (pattern: string) => new RegExp(`^${pattern}$`);
const regexText = (pattern: string, ...examples: string[]) => {
  const list = examples.map((example) => `'${example}'`).join(',  or ');
  return examples.length === 0
    ? ` (regex used for validation is '${pattern}')`
    : ` (e.g. ${list}, regex used for validation is '${pattern}')`;
};

function rule(pattern: string, lengthMax: number, what: string, ...examples: string[]): TextRule {
  const regex = whole(pattern);
  const detail = what + regexText(pattern, ...examples);
  return (text) => [...lengthComplaint(text, lengthMax), ...(regex.test(text) ? [] : [detail])];
}

/** RFC 1123 labels: names of Namespaces, containers. */
export const dnsLabel = rule(
  DNS_LABEL,
  LABEL_MAX,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
    'alphanumeric character',
  'my-name',
  '123-abc',
);
/** RFC 1123 subdomains: names of most objects. */
export const dnsSubdomain = rule(
  DNS_SUBDOMAIN,
  SUBDOMAIN_MAX,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
    'with an alphanumeric character',
  'example.com',
);
export const wildcardSubdomain = rule(
  `\\*\\.${DNS_SUBDOMAIN}`,
  SUBDOMAIN_MAX,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case " +
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);
/** RFC 1035 labels: names of Services. */
export const dns1035Label = rule(
  DNS_1035,
  LABEL_MAX,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end " +
    'with an alphanumeric character',
  'my-name',
  'abc-123',
);
/** Values of labels; may be empty. */
export const labelValue = rule(
  LABEL_VALUE,
  LABEL_MAX,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
    'with an alphanumeric character',
  'MyValue',
  'my_value',
  '12345',
);
export const configKey: TextRule = (key) => [
  ...rule(
    CONFIG_KEY,
    CONFIG_KEY_MAX,
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    'key.name',
    'KEY_NAME',
    'key-name',
  )(key),
  ...(key === '.'
    ? [`must not be '.'`]
    : key === '..'
      ? [`must not be '..'`]
      : key.startsWith('..')
        ? [`must not start with '..'`]
        : []),
];
export const headerName = rule(
  HEADER,
  Number.POSITIVE_INFINITY,
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);
export const percent = rule(
  PERCENT,
  Number.POSITIVE_INFINITY,
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);

const namePart = rule(
  QUALIFIED,
  LABEL_MAX,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyName',
  'my.name',
  '123-abc',
);

/** A label key: a name, or a subdomain, a slash and a name. */
export const qualifiedName: TextRule = (text) => {
  const parts = text.split('/');
  const [first = '', name = first] = parts;
  if (parts.length > 2)
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an ` +
        `alphanumeric character${regexText(QUALIFIED, 'MyName', 'my.name', '123-abc')} with an optional DNS subdomain ` +
        `prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const prefix = parts.length === 1 ? [] : first === '' ? ['must be non-empty'] : dnsSubdomain(first);
  const named = name === '' ? ['must be non-empty'] : namePart(name);
  return [...prefix.map((detail) => `prefix part ${detail}`), ...named.map((detail) => `name part ${detail}`)];
};

/** What can stand between two slashes of a URL: names of RBAC objects, e.g. `system:node`. */
export const pathSegment: TextRule = (text) => [
  ...lengthComplaint(text, SUBDOMAIN_MAX),
  ...(/^(?!\.{1,2}$)[^/%]+$/.test(text) ? [] : ["may not contain '/' or '%', or be '.' or '..'"]),
];

/** Any printable ASCII but `=`. */
export const envName: TextRule = (text) =>
  /^[ -<>-~]+$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

/** IANA service names: at most 15 of a-z, 0-9 and single inner dashes, at least one letter. */
export const portName: TextRule = (text) => [
  ...lengthComplaint(text, PORT_NAME_MAX),
  ...(/^[-a-z0-9]+$/.test(text) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(text) ? [] : ['must contain at least one letter (a-z)']),
  ...(text.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(text) ? ['must not begin or end with a hyphen'] : []),
];
