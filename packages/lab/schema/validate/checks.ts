/** Checks of single values, from which the tables of rules are put together. */
import { quantityNumber } from '../quantity.ts';
import type { At } from './cause.ts';
import { labelValue, percent, portName, qualifiedName, type TextRule } from './names.ts';

export type Json = Record<string, unknown>;

/** `required` stops at an absent or empty value; functions see present values only. */
export type Check = 'required' | { readonly required: string } | ((value: unknown, at: At, owner: Json) => void);

const PORT_MAX = 65_535;

export const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Runs checks in order on one field. */
export function runChecks(checks: readonly Check[], value: unknown, at: At, owner: Json): void {
  for (const check of checks) {
    if (typeof check === 'function') {
      if (!isEmpty(value)) check(value, at, owner);
    } else if (isEmpty(value)) {
      at.required(check === 'required' ? '' : check.required);
      return;
    }
  }
}

/** The text has a form. */
export const form =
  (rule: TextRule): Check =>
  (value, at) => {
    for (const detail of rule(String(value))) at.invalid(value, detail);
  };

/** Every item of a list of texts has a form. */
export const each =
  (rule: TextRule): Check =>
  (value, at) => {
    (value as string[]).forEach((text, index) => {
      for (const detail of rule(text)) at.item(index).invalid(text, detail);
    });
  };

export const nonNegative: Check = (value, at) => {
  if ((value as number) < 0) at.invalid(value, 'must be greater than or equal to 0');
};

export const positive: Check = (value, at) => {
  if ((value as number) <= 0) at.invalid(value, 'must be greater than 0');
};

export const between =
  (min: number, max: number): Check =>
  (value, at) => {
    if ((value as number) < min || (value as number) > max)
      at.invalid(value, `must be between ${min} and ${max}, inclusive`);
  };

export const port: Check = between(1, PORT_MAX);

/** A port by number or by name. */
export const portOrName: Check = (value, at, owner) => {
  const check = typeof value === 'number' ? port : form(portName);
  if (typeof check === 'function') check(value, at, owner);
};

export const oneOf =
  (...allowed: string[]): Check =>
  (value, at) => {
    if (!allowed.includes(String(value))) at.notSupported(value, allowed);
  };

/** A count, or a percentage of at most 100. */
export const countOrPercent: Check = (value, at) => {
  if (typeof value === 'number') {
    if (value < 0) at.invalid(value, 'must be greater than or equal to 0');
    return;
  }
  const faults = percent(String(value));
  for (const detail of faults) at.invalid(value, detail);
  if (faults.length === 0 && Number.parseInt(String(value), 10) > 100)
    at.invalid(value, 'must not be greater than 100%');
};

/** A map of labels. */
export const labels: Check = (value, at) => {
  for (const [key, text] of Object.entries(value as Record<string, string>)) {
    for (const detail of qualifiedName(key)) at.invalid(key, detail);
    for (const detail of labelValue(text)) at.invalid(text, detail);
  }
};

/** A map of quantities, none negative. */
export const quantities: Check = (value, at) => {
  for (const [name, quantity] of Object.entries(value as Record<string, string>))
    if (quantityNumber(quantity) < 0) at.item(name).invalid(quantity, 'must be greater than or equal to 0');
};

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** IPv4 without leading zeros, or what may be IPv6. */
export const isIp = (text: string): boolean =>
  IPV4.test(text) || (text.includes(':') && /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]`));

export const ip: Check = (value, at) => {
  if (!isIp(String(value))) at.invalid(value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
};

/** No two items of a list have the same value of a field; absent ones are left to other checks. */
export const uniqueBy =
  (field: string): Check =>
  (value, at) => {
    const seen = new Set<unknown>();
    (value as Json[]).forEach((item, index) => {
      const key = item[field];
      if (isEmpty(key)) return;
      if (seen.has(key)) at.item(index).child(field).duplicate(key);
      seen.add(key);
    });
  };

/** At most one of the fields of a struct is given, and at least one if `absent` has a text. */
export function atMostOne(
  owner: Json,
  at: At,
  fields: readonly string[],
  { many, absent }: { many: string; absent?: string },
): void {
  const given = fields.filter((field) => owner[field] !== undefined);
  for (const field of given.slice(1)) at.child(field).forbidden(many);
  if (given.length === 0 && absent !== undefined) at.required(absent);
}
