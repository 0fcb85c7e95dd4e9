import { createHash } from 'node:crypto';

/** A file or folder of the host that shows up in the container, read-only. */
export interface ImageMount {
  source: string;
  target: string;
}

/**
 * What a name stands for: `{"name": "example.com/echo", "entrypoint": ["/usr/bin/echo-server"], "mounts": [{"source":
 * "/var/cache/echo", "target": "/usr/bin/echo-server"}]}`. Names are repositories without a tag; one that ends in `/` or `*`
 * is a prefix. A name with a tag or digest matches only that.
 */
export interface ImageRecord {
  name: string;
  entrypoint: readonly string[];
  /** Default arguments, replaced by the container's `args`. */
  cmd?: readonly string[];
  env?: Readonly<Record<string, string>>;
  workingDir?: string;
  user?: { uid: number; gid: number };
  mounts?: readonly ImageMount[];
  /** Small text files made in the container, by path. Executable when they begin with `#!`. */
  files?: Readonly<Record<string, string>>;
  /** Folders made in the container, owned by `user`. */
  folders?: readonly string[];
}

export interface Image extends ImageRecord {
  /** As container statuses show it: `lab/curlimages/curl@sha256:…`, a hash of the record. */
  id: string;
}

/** Strips the default registry and, unless asked otherwise, tag and digest: `docker.io/library/nginx:1.27` -> `nginx`. */
export function repositoryOf(image: string): string {
  const withoutDigest = image.split('@')[0] ?? '';
  const slash = withoutDigest.lastIndexOf('/');
  const colon = withoutDigest.indexOf(':', slash + 1);
  return shortName(colon < 0 ? withoutDigest : withoutDigest.slice(0, colon));
}

const shortName = (name: string): string => name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');

/** The tag, `latest` when there is none: decides the default pull policy. */
export function tagOf(image: string): string {
  const withoutDigest = image.split('@')[0] ?? '';
  const colon = withoutDigest.indexOf(':', withoutDigest.lastIndexOf('/') + 1);
  return colon < 0 ? (image.includes('@') ? '' : 'latest') : withoutDigest.slice(colon + 1);
}

function matches(record: ImageRecord, repository: string, full: string): boolean {
  const name = shortName(record.name);
  if (name === repository || name === full) return true;
  if (name.endsWith('*')) return repository.startsWith(name.slice(0, -1));
  return name.endsWith('/') && repository.startsWith(name);
}

/** The registered names of one lab. Earlier records win over later ones, exact names over prefixes. */
export class ImageTable {
  private readonly records: readonly ImageRecord[];

  constructor(records: readonly ImageRecord[]) {
    this.records = records;
  }

  /** The image of a name, or undefined: then the pull fails. */
  find(image: string): Image | undefined {
    const repository = repositoryOf(image);
    const full = shortName(image);
    const found = this.records.filter((record) => matches(record, repository, full));
    const record = found.find(({ name }) => !/[*/]$/.test(name)) ?? found[0];
    if (!record) return undefined;
    const hash = createHash('sha256').update(JSON.stringify(record)).digest('hex');
    return { ...record, id: `lab/${repository}@sha256:${hash}` };
  }
}

/** Checks records that came from a file; throws with the first flaw, said in the file's terms. */
export function parseImageRecords(text: string, source: string): ImageRecord[] {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed)) throw new Error(`${source}: expected a list of images`);
  return parsed.map((entry: unknown, index) => {
    const record = entry as Partial<ImageRecord> | null;
    const where = `${source}: image ${index}`;
    if (typeof record?.name !== 'string' || record.name === '') throw new Error(`${where}: expected a name`);
    if (!Array.isArray(record.entrypoint)) throw new Error(`${where} (${record.name}): expected entrypoint, a list`);
    return record as ImageRecord;
  });
}
