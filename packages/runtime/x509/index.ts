/**
 * The X.509 library with the platform's cryptography. It needs reflection before it is loaded, which takes two imports: run from
 * source, only a direct one comes first; in the compiled executable, only one through a module of ours.
 */
import 'reflect-metadata';
import './reflection.ts';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as unknown as Crypto);

export { x509 };
