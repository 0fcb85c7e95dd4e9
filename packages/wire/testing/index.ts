/** What the tests of several codecs share. */
export { splitBytes, splitEvery } from './split.ts';
