/** What the tests of several codecs share. */
export { splitBytes } from './split.ts';
