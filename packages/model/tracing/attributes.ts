/** `key=value` pairs in one text. */
type Pairs = readonly (readonly [string, string])[];

/** Lines `key=value`, as the Kubernetes downward API writes labels (`key="value"` with escapes); others are left out. */
export function parseAttributeLines(text: string): Pairs {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line);
    return match ? [[match[1]!, unquote(match[2]!)] as const] : [];
  });
}

function unquote(text: string): string {
  if (!/^".*"$/.test(text)) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1); // not an escape that JSON knows: as it stands
  }
}

/** `key=value,key=value`, values percent-encoded. Source: OpenTelemetry, OTEL_RESOURCE_ATTRIBUTES. */
export function parseAttributeList(text: string): Pairs {
  return text.split(',').flatMap((item) => {
    const at = item.indexOf('=');
    const key = item.slice(0, at).trim();
    return at < 1 || key === '' ? [] : [[key, decode(item.slice(at + 1).trim())] as const];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign
  }
}

/** Joins sources of attributes; later ones win. */
export function joinAttributes(...sources: readonly Pairs[]): ReadonlyMap<string, string> {
  return new Map(sources.flat());
}
