import { ApiError } from '#lab/contract';

/** In which shape and encoding an answer goes out. */
export interface Format {
  readonly media: 'json' | 'yaml';
  /** `table` and `partial` are the two projections that meta.k8s.io offers. */
  readonly as: 'object' | 'table' | 'partial';
  /** Version of meta.k8s.io that a projection asked for. */
  readonly metaVersion: 'v1' | 'v1beta1';
}

export const PLAIN_JSON: Format = { media: 'json', as: 'object', metaVersion: 'v1' };

const MEDIA: Readonly<Record<string, Format['media']>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
};

const PROJECTIONS: Readonly<Record<string, Format['as']>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial',
};

/** One clause of an Accept header. */
export interface AcceptClause {
  readonly media: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Splits an Accept header into its clauses, in order. */
export function acceptClauses(header: string): AcceptClause[] {
  return header
    .split(',')
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
    .map((clause) => {
      const [media = '', ...rest] = clause.split(';').map((part) => part.trim());
      const parameters = Object.fromEntries(
        rest.map((part) => {
          const at = part.indexOf('=');
          return at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
        }),
      );
      return { media: media.toLowerCase(), parameters };
    });
}

/** The first acceptable clause; protobuf and unknown projections are passed over. @throws ApiError 406 */
export function negotiate(accept: string | undefined): Format {
  const clauses = acceptClauses(accept ?? '');
  if (clauses.length === 0) return PLAIN_JSON;
  for (const { media, parameters } of clauses) {
    const encoding = MEDIA[media];
    if (!encoding) continue;
    const { as: asked, g: group, v: version } = parameters;
    if (!asked) return { media: encoding, as: 'object', metaVersion: 'v1' };
    const as = PROJECTIONS[asked];
    if (as && group === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1'))
      return { media: encoding, as, metaVersion: version };
  }
  throw ApiError.of(
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );
}
