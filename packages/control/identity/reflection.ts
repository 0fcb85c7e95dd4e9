/**
 * Metadata reflection, by which the parts of the X.509 library find each other. In a module of its own: the bundler runs modules
 * in order of their imports, but what is CommonJS only after all of them.
 */
import 'reflect-metadata';
