import { constants } from 'node:crypto';
import tls from 'node:tls';

/** PEM texts. Without key and chain the context can only verify others. */
export interface TlsMaterial {
  readonly trustAnchorsPem: string;
  readonly keyPem?: string;
  /** Leaf first, then intermediates. */
  readonly chainPem?: string;
}

const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** A context for handshakes of either side; made once per certificate. */
export function secureContext(material: TlsMaterial): tls.SecureContext {
  return tls.createSecureContext({
    ca: material.trustAnchorsPem,
    ...(material.keyPem !== undefined && { key: material.keyPem }),
    ...(material.chainPem !== undefined && { cert: material.chainPem }),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    // No resumption: every connection proves both identities anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
}
