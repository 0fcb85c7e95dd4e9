/**
 * What is used of the X.509 library. It needs reflection before it is loaded, which takes two imports: run from source, only a
 * direct one comes first; in the compiled executable, only one through a module of ours.
 */
import 'reflect-metadata';
import './reflection.ts';

export {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
