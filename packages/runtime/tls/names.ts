/** Names become header values, labels and log fields; others are nobody's name. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * DNS and URI names in Node's text form of a certificate's alternative names, e.g. `DNS:a.b, URI:spiffe://x/y`. Names with
 * unusual characters come as JSON strings there.
 */
export function sanNames(subjectAltName: string | undefined): string[] {
  const names: string[] = [];
  const pattern = /(?:^|, )(DNS|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g;
  for (const match of (subjectAltName ?? '').matchAll(pattern)) {
    const text = match[2] ?? '';
    const name = text.startsWith('"') ? (JSON.parse(text) as string) : text;
    if (PRINTABLE.test(name)) names.push(name);
  }
  return names;
}
