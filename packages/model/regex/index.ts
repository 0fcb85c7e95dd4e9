/**
 * Regular expressions of routes, in the syntax of Linkerd's proxies (the Rust language's `regex`), matched in time linear in the
 * text: an automaton without backtracking, whatever the pattern. A pattern always has to match the whole text.
 */
export { REGEX_LIMITS } from './limits.ts';
export { Pattern } from './pattern.ts';
export { RegexError } from './syntax.ts';
