/** Checks of `format` in schemas. Formats outside this table are ignored, as Kubernetes ignores those it does not know. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { durationOf } from '../cel/index.ts';

const matches = (pattern: RegExp) => (text: string) => pattern.test(text);

const DNS_NAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;

const SHORT_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return false;
  // Date.parse rolls 2024-02-31 over into March.
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/.exec(text);
  if (!match) return false;
  const [, date = '', hours = '', minutes = '', seconds = ''] = match;
  return isDate(date) && Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
}

function isCidr(text: string): boolean {
  const [address = '', length = '', rest] = text.split('/');
  const width = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return rest === undefined && /^\d{1,3}$/.test(length) && Number(length) <= width;
}

function isUri(text: string): boolean {
  // Go's ParseRequestURI: absolute, or a path from the root.
  return !/\s|\p{Cc}/u.test(text) && (/^\/|^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) || text === '*');
}

const uuid = (version: string, variant: string) =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i'));

/** Format, dashes left out -> whether a text has it. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  uri: isUri,
  email: matches(/^[^\s@<>]+@[^\s@<>]+$/),
  hostname: (text) => text.length <= 255 && DNS_NAME.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matches(/^([0-9a-fA-F]{2}[:-]){5}([0-9a-fA-F]{2})$|^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$/),
  uuid: uuid('[0-9a-f]', '[0-9a-f]'),
  uuid3: uuid('3', '[0-9a-f]'),
  uuid4: uuid('4', '[89ab]'),
  uuid5: uuid('5', '[89ab]'),
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(/^rgb\(\s*(\d{1,3}%?\s*,\s*){2}\d{1,3}%?\s*\)$/),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  password: () => true,
  date: isDate,
  duration: (text) => durationOf(text) !== undefined || /^\d+\s+(ns|us|µs|ms|s|m|h|d|w|\w+s?)$/.test(text),
  datetime: isDateTime,
  k8sshortname: matches(SHORT_NAME),
  k8slongname: (text) =>
    text.length <= 253 && text.split('.').every((part) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(part)),
  // Known to Kubernetes, not checked here: nobody has them in a cluster's objects.
  isbn: () => true,
  isbn10: () => true,
  isbn13: () => true,
  creditcard: () => true,
};

/** The check for a format; undefined where the format is ignored. */
export function formatCheck(format: string | undefined): ((text: string) => boolean) | undefined {
  const name = format?.replaceAll('-', '');
  return name && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
}
