import { x509 } from '#runtime/x509';

const read = (der: Buffer) => new x509.X509Certificate(new Uint8Array(der));

/** Whether a certificate (DER) may sign others. */
export function isAuthority(der: Buffer): boolean {
  return read(der).getExtension(x509.BasicConstraintsExtension)?.ca === true;
}

/** A certificate (DER) as people read it: the layout of OpenSSL's text. */
export function certificateText(der: Buffer): string {
  const certificate = read(der);
  const { signatureAlgorithm } = certificate;
  const algorithm = `${signatureAlgorithm.name}-${signatureAlgorithm.hash.name}`.replace('SHA-', 'SHA');
  const lines = [
    'Certificate:',
    '    Data:',
    '        Version: 3 (0x2)',
    ...serial(certificate.serialNumber),
    `    Signature Algorithm: ${algorithm}`,
    `        Issuer: ${certificate.issuer}`,
    '        Validity',
    `            Not Before: ${date(certificate.notBefore)}`,
    `            Not After : ${date(certificate.notAfter)}`,
    `        Subject: ${certificate.subject}`,
    '        Subject Public Key Info:',
    ...publicKey(certificate.publicKey),
    ...extensions(certificate),
    '',
    `    Signature Algorithm: ${algorithm}`,
    ...hexLines(Buffer.from(certificate.signature), '         '),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

const LARGEST_NUMBER_DIGITS = 13;

function serial(hex: string): string[] {
  const digits = hex.replace(/^0+(?=.)/, '');
  if (digits.length <= LARGEST_NUMBER_DIGITS)
    return [`        Serial Number: ${Number.parseInt(digits, 16)} (0x${digits})`];
  return [
    '        Serial Number:',
    ...hexLines(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'), '            '),
  ];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Nov 21 16:48:02 2026 UTC`. */
function date(at: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  return `${MONTHS[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)} ${time} ${at.getUTCFullYear()} UTC`;
}

/** An uncompressed point of P-256 begins with this byte; two coordinates of as many bytes follow. */
const UNCOMPRESSED = 4;
const COORDINATE_BYTES = 32;

function publicKey(key: x509.PublicKey): string[] {
  const indent = ' '.repeat(12);
  const named = key.algorithm as { name: string; namedCurve?: string; modulusLength?: number };
  const head = [`${indent}Public Key Algorithm: ${named.name.replace(/^RSA.*/, 'RSA')}`];
  const raw = Buffer.from(key.rawData).subarray(-(2 * COORDINATE_BYTES + 1));
  if (named.namedCurve !== 'P-256' || raw[0] !== UNCOMPRESSED)
    return [...head, ...(named.modulusLength ? [`${indent}    Public-Key: (${named.modulusLength} bit)`] : [])];
  const coordinate = (name: string, from: number) => [
    `${indent}    ${name}:`,
    ...hexLines(raw.subarray(from, from + COORDINATE_BYTES), `${indent}        `),
  ];
  return [
    ...head,
    `${indent}    Public-Key: (256 bit)`,
    ...coordinate('X', 1),
    ...coordinate('Y', 1 + COORDINATE_BYTES),
    `${indent}    Curve: P-256`,
  ];
}

const USAGES: readonly (readonly [flag: number, name: string])[] = [
  [x509.KeyUsageFlags.digitalSignature, 'Digital Signature'],
  [x509.KeyUsageFlags.nonRepudiation, 'Content Commitment'],
  [x509.KeyUsageFlags.keyEncipherment, 'Key Encipherment'],
  [x509.KeyUsageFlags.dataEncipherment, 'Data Encipherment'],
  [x509.KeyUsageFlags.keyAgreement, 'Key Agreement'],
  [x509.KeyUsageFlags.keyCertSign, 'Certificate Sign'],
  [x509.KeyUsageFlags.cRLSign, 'CRL Sign'],
];
const EXTENDED: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'TLS Web Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'TLS Web Client Authentication',
};

function extensions(certificate: x509.X509Certificate): string[] {
  const lines = certificate.extensions.flatMap((extension) => {
    const [name, value] = extensionText(extension);
    return [`            X509v3 ${name}:${extension.critical ? ' critical' : ''}`, `                ${value}`];
  });
  return lines.length > 0 ? ['        X509v3 extensions:', ...lines] : [];
}

function extensionText(extension: x509.Extension): [name: string, value: string] {
  if (extension instanceof x509.KeyUsagesExtension)
    return [
      'Key Usage',
      USAGES.filter(([flag]) => (extension.usages & flag) !== 0)
        .map(([, name]) => name)
        .join(', '),
    ];
  if (extension instanceof x509.ExtendedKeyUsageExtension)
    return ['Extended Key Usage', extension.usages.map((usage) => EXTENDED[String(usage)] ?? String(usage)).join(', ')];
  if (extension instanceof x509.BasicConstraintsExtension)
    return ['Basic Constraints', `CA:${extension.ca ? 'TRUE' : 'FALSE'}`];
  if (extension instanceof x509.SubjectAlternativeNameExtension)
    return [
      'Subject Alternative Name',
      extension.names.items.map(({ type, value }) => `${type.toUpperCase()}:${value}`).join(', '),
    ];
  if (extension instanceof x509.SubjectKeyIdentifierExtension)
    return ['Subject Key Identifier', colons(extension.keyId)];
  if (extension instanceof x509.AuthorityKeyIdentifierExtension)
    return ['Authority Key Identifier', `keyid:${colons(extension.keyId ?? '')}`];
  return [extension.type, colons(Buffer.from(extension.value).toString('hex'))];
}

const colons = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':');

const LINE_BYTES = 18;

function hexLines(bytes: Buffer, indent: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    const part =
      bytes
        .subarray(at, at + LINE_BYTES)
        .toString('hex')
        .match(/../g) ?? [];
    lines.push(`${indent}${part.join(':')}${at + LINE_BYTES < bytes.length ? ':' : ''}`);
  }
  return lines;
}
