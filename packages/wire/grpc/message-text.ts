/** The `grpc-message` trailer: UTF-8, percent-encoded outside printable ASCII (gRPC over HTTP/2, "Status-Message"). */

const HEX_DIGITS = '0123456789ABCDEF';

/** The header's value for a text; a plain text stays as it is. */
export function encodeMessageText(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text))
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${HEX_DIGITS[byte >> 4]}${HEX_DIGITS[byte & 15]}`
        : String.fromCharCode(byte);
  return encoded;
}

/** The text of a header's value; a malformed escape stays as it is. */
export function decodeMessageText(value: string): string {
  if (!value.includes('%')) return value;
  const bytes = value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
