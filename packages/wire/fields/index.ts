/** Header fields and message heads that all versions of HTTP share: what codecs produce and what a proxy works with. */
export { Field, type HttpVersion, type RequestHead, type ResponseHead } from './field.ts';
