import { UserError } from '../context.ts';
import { type ProfileName, type ProfileRoute, profileObject, quoteRegex } from './profile.ts';

/** A profile of the services in a protobuf file: a route for each method. Throws where the file breaks off. */
export function profileFromProto(text: string, name: ProfileName): object {
  const words = tokens(text);
  const routes: ProfileRoute[] = [];
  let pkg = '';
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] === 'package') pkg = words[at + 1] ?? '';
    else if (words[at] === 'service' && words[at + 2] === '{') {
      const end = closing(words, at + 2);
      routes.push(...methods(words.slice(at + 3, end), pkg === '' ? words[at + 1]! : `${pkg}.${words[at + 1]}`));
      at = end;
    } else if (words[at] === '{') at = closing(words, at);
  }
  return profileObject(name, routes);
}

/** Words, texts and signs; comments are left out. */
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.]+|\S/g;

const tokens = (text: string): string[] => (text.match(TOKEN) ?? []).filter((word) => !/^\/[/*]/.test(word));

/** Index of the brace that closes the one at `open`. */
function closing(words: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < words.length; at += 1) {
    if (words[at] === '{') depth += 1;
    if (words[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  throw new UserError('Error parsing protobuf: a brace is not closed');
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['IDEMPOTENT', 'NO_SIDE_EFFECTS']);

function methods(words: readonly string[], service: string): ProfileRoute[] {
  const routes: ProfileRoute[] = [];
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] !== 'rpc') continue;
    const method = words[at + 1] ?? '';
    const body = words.findIndex((word, index) => index > at && (word === ';' || word === '{'));
    const end = words[body] === '{' ? closing(words, body) : body;
    routes.push({
      name: method,
      condition: { method: 'POST', pathRegex: quoteRegex(`/${service}/${method}`) },
      ...(isIdempotent(words.slice(body, end)) && { isRetryable: true as const }),
    });
    at = Math.max(at, end);
  }
  return routes;
}

/** Whether the options of a method say `idempotency_level = IDEMPOTENT`. */
function isIdempotent(options: readonly string[]): boolean {
  const at = options.indexOf('idempotency_level');
  return at >= 0 && IDEMPOTENT.has(options.slice(at + 1).find((word) => /^[A-Z_]+$/.test(word)) ?? '');
}
