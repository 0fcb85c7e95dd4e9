/** Kubernetes' rules for names, with its texts. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const DNS_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';

const SUBDOMAIN_CHARS_MAX = 253;
const LABEL_CHARS_MAX = 63;

/** Kubernetes puts a comma behind each example, and two spaces before `or`. */
const regexText = (text: string, pattern: string, ...examples: string[]) =>
  `${text} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;

const tooLong = (text: string, charsMax: number) =>
  text.length > charsMax ? [`must be no more than ${charsMax} characters`] : [];

/** Faults of a DNS-1123 subdomain such as `example.com`. */
export function subdomainFaults(text: string): string[] {
  const fits = new RegExp(`^${SUBDOMAIN}$`).test(text);
  const fault = regexText(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    SUBDOMAIN,
    'example.com',
  );
  return [...tooLong(text, SUBDOMAIN_CHARS_MAX), ...(fits ? [] : [fault])];
}

/** Faults of a DNS-1035 label such as `my-name`. */
export function dns1035Faults(text: string): string[] {
  const fits = new RegExp(`^${DNS_1035}$`).test(text);
  const fault = regexText(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    DNS_1035,
    'my-name',
    'abc-123',
  );
  return [...tooLong(text, LABEL_CHARS_MAX), ...(fits ? [] : [fault])];
}
