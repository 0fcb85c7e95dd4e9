/**
 * Header fields and message heads that all versions of HTTP share: what codecs produce and what a proxy works with. Fields are
 * interned by a cache of fixed size; names that matter are known by small numbers.
 */
export { isAuthority } from './authority.ts';
export { FIELD_CACHE_LIMITS, FieldCache, latin1 } from './cache.ts';
export { COLON, COMMA, CR, HEX, HTAB, LF, LOWER, SEMICOLON, SP, TARGET, TOKEN, VALUE } from './chars.ts';
export { Field, type HttpVersion, type RequestHead, type ResponseHead } from './field.ts';
export { createNameTable, FIELD, type NameTable } from './names.ts';
