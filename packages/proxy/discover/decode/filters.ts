import type { grpcRoute, httpRoute, outbound } from '#api/mesh';
import type { Backend, HeaderEdit, HttpFilter, PathEdit } from '../types.ts';
import { decodeRatio, durationMs, Invalid, need, within } from './values.ts';

/** A filter as all generated messages have it. */
export interface WireFilter {
  readonly kind: { case: string | undefined; value?: unknown };
}

type Decoder = (value: never) => HttpFilter;

/** The kinds of filter by the name of their field; which of them a message can hold is its schema's matter. */
const FILTERS: Readonly<Record<string, Decoder>> = {
  requestHeaderModifier: (edit: httpRoute.RequestHeaderModifier) => ({
    kind: 'request-headers',
    edit: decodeHeaderEdit(edit),
  }),
  responseHeaderModifier: (edit: httpRoute.ResponseHeaderModifier) => ({
    kind: 'response-headers',
    edit: decodeHeaderEdit(edit),
  }),
  redirect: decodeRedirect,
  pathRewrite: ({ path, host }: httpRoute.PathRewrite) => ({
    kind: 'rewrite',
    path: decodePathEdit(path),
    host: host === '' ? undefined : decodeHostText(host),
  }),
  delay: ({ duration, ratio }: httpRoute.Delay) => ({
    kind: 'delay',
    delayMs: durationMs(need(duration, 'the duration of a delay'), 'a delay'),
    ratio: decodeRatio(ratio),
  }),
} satisfies Record<string, Decoder>;

const failHttp: Decoder = ({ status, message, ratio }: httpRoute.HttpFailureInjector) => ({
  kind: 'fail',
  status: within(status, 200, 999, 'the status of an injected failure'),
  message,
  ratio: decodeRatio(ratio),
});

const failGrpc: Decoder = ({ code, message, ratio }: grpcRoute.GrpcFailureInjector) => ({
  kind: 'fail-grpc',
  code,
  message,
  ratio: decodeRatio(ratio),
});

/** Reads filters of one kind of route. `backend`: reads where mirrored requests go; absent: there are none. */
export function filterDecoder(
  route: 'http' | 'grpc',
  backend?: (wire: outbound.Backend) => Backend,
): (filter: WireFilter) => HttpFilter {
  const kinds: Readonly<Record<string, Decoder>> = {
    ...FILTERS,
    failureInjector: route === 'grpc' ? failGrpc : failHttp,
    ...(backend && {
      requestMirror: (mirror: outbound.RequestMirror) => ({
        kind: 'mirror',
        backend: backend(need(mirror.backend, 'the backend of a mirror')),
        ratio: decodeRatio(mirror.ratio),
      }),
    }),
  };
  return ({ kind }) => {
    const decode = kind.case === undefined ? undefined : kinds[kind.case];
    if (!decode) throw new Invalid('a filter without a known kind');
    return decode(kind.value as never);
  };
}

function decodeHeaderEdit(edit: httpRoute.RequestHeaderModifier | httpRoute.ResponseHeaderModifier): HeaderEdit {
  const pairs = (headers: httpRoute.RequestHeaderModifier['add']): (readonly [string, string])[] =>
    (headers?.headers ?? []).map(({ name, value }) => decodeHeader(name, Buffer.from(value).toString('latin1')));
  return { add: pairs(edit.add), set: pairs(edit.set), remove: edit.remove.map((name) => name.toLowerCase()) };
}

/** A line that a filter puts in must stay one line. */
function decodeHeader(name: string, value: string): readonly [string, string] {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new Invalid(`${JSON.stringify(name)} is no header that could be set`);
  return [name.toLowerCase(), value];
}

function decodeRedirect(redirect: httpRoute.RequestRedirect): HttpFilter {
  const { scheme, host, port, status } = redirect;
  return {
    kind: 'redirect',
    status: status === 0 ? 301 : within(status, 300, 399, 'the status of a redirect'),
    scheme: scheme?.type.case === 'registered' ? (['http', 'https'] as const)[scheme.type.value] : scheme?.type.value,
    host: host === '' ? undefined : decodeHostText(host),
    port: port === 0 ? undefined : within(port, 1, 65_535, 'the port of a redirect'),
    path: decodePathEdit(redirect.path),
  };
}

/** Becomes part of a `location`, an `:authority` or a `host` line. */
function decodeHostText(host: string): string {
  if (!/^[A-Za-z0-9._~%[\]:-]+$/.test(host)) throw new Invalid(`${JSON.stringify(host)} is no host`);
  return host;
}

function decodePathEdit(path: httpRoute.PathModifier | undefined): PathEdit | undefined {
  const replace = path?.replace;
  if (replace?.case === undefined) return undefined;
  if (!/^[\x21-\x7e]*$/.test(replace.value)) throw new Invalid(`${JSON.stringify(replace.value)} is no path`);
  return { kind: replace.case, value: replace.value };
}
