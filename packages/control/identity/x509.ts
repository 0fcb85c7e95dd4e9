/** The X.509 library with the platform's cryptography; it needs reflection before it is loaded. */
import './reflection.ts';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

export { x509 };
