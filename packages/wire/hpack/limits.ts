/** Bounds of HPACK. */
export const HPACK_LIMITS = {
  /** Largest integer taken: lengths and indexes beyond it belong to no header block that we accept. */
  integerMax: 2 ** 28 - 1,
  /** Octets of our dynamic table for what we send, whatever more the peer offers; RFC 7541's default. */
  encoderTableMax: 4096,
  /** A field larger than this share of the table is not put in: it would drive out all others. */
  indexedShareMax: 0.25,
  /** Fields sent once without indexing that are remembered, so that the second time puts them into the table. */
  candidatesMax: 64,
  /** Table size updates at the start of one block; RFC 7541 section 4.2 needs two. */
  sizeUpdatesMax: 2,
  /** A shorter `cookie` can be guessed by watching sizes, so it never enters a table. */
  secretCookieBytesMax: 20,
} as const;
