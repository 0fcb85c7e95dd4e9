import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';

/**
 * A message in the JSON of Go's encoding/json over Linkerd's generated types, which scripts know: snake_case fields without
 * zero values, oneofs as `{"Kind": {"Detect": …}}`, enums and 64-bit numbers as numbers.
 */
export function goJson<D extends DescMessage>(schema: D, message: Message): Record<string, unknown> {
  const from = reflect(schema, message as never);
  const out: Record<string, unknown> = {};
  for (const member of schema.members) {
    if (member.kind === 'oneof') {
      const chosen = from.oneofCase(member);
      if (chosen) out[goName(member)] = { [goName(chosen)]: fieldValue(chosen, from.get(chosen)) };
    } else if (from.isSet(member)) out[member.name] = fieldValue(member, from.get(member));
  }
  return out;
}

/** `http_route` -> HttpRoute. */
const goName = ({ name }: DescField | DescOneof): string =>
  name.replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What reflection gives for messages, lists and maps. */
interface Reflected {
  message: Message;
  desc: DescMessage;
}

function fieldValue(field: DescField, value: unknown): unknown {
  if (field.fieldKind === 'list') return [...(value as Iterable<unknown>)].map((item) => itemValue(item));
  if (field.fieldKind === 'map')
    return Object.fromEntries(
      [...(value as Iterable<[unknown, unknown]>)].map(([key, item]) => [String(key), itemValue(item)]),
    );
  return itemValue(value);
}

function itemValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'object' && value !== null && 'message' in value) {
    const { desc, message } = value as Reflected;
    return goJson(desc, message);
  }
  return value;
}
