/** Metadata reflection, by which the parts of the X.509 library find each other. */
import 'reflect-metadata';
