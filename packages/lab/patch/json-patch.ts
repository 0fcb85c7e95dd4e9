/** JSON patch, RFC 6902. Our own: the library at hand changes its input and words its faults otherwise. */
import { cloneJson, equalJson, getKey, isMap, type JsonMap, setKey } from './json.ts';
import { badPatch, PatchError, unprocessablePatch } from './patch-error.ts';

/** More operations in one patch answer 413, as in Kubernetes. */
const OPERATIONS_MAX = 10_000;

type Operation = { op: string; path: string; from?: string; value?: unknown };
type Apply = (root: unknown, operation: Operation) => unknown;

const OPERATIONS: Record<string, Apply> = {
  add: (root, { path, value }) => add(root, path, cloneJson(value), 'add'),
  remove: (root, { path }) => remove(root, path, 'remove').root,
  replace: (root, { path, value }) => replace(root, path, cloneJson(value)),
  move: (root, { from, path }) => {
    const taken = remove(root, from ?? '', 'move');
    return add(taken.root, path, taken.value, 'move');
  },
  copy: (root, { from, path }) => add(root, path, cloneJson(read(root, from ?? '', 'copy')), 'copy'),
  test: (root, operation) => {
    check(root, operation);
    return root;
  },
};

/**
 * Returns `document` after all operations; neither argument is changed, and nothing is returned half done.
 * `patch` is the decoded body: `[{"op":"replace","path":"/spec/replicas","value":2}]`.
 * Faults: 400 for a body that is no JSON patch, 413 for too many operations, 422 for one that does not apply.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badPatch('a JSON patch must be a list of operations');
  if (patch.length > OPERATIONS_MAX)
    throw new PatchError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`,
    );
  const operations = patch.map(readOperation);
  let root = cloneJson(document);
  for (const operation of operations) {
    const apply = OPERATIONS[operation.op];
    if (!apply) throw unprocessablePatch(`Unexpected kind: ${operation.op}`);
    root = apply(root, operation);
  }
  return root;
}

function readOperation(raw: unknown): Operation {
  if (!isMap(raw)) throw badPatch('an operation of a JSON patch must be an object');
  const { op, path, from } = raw;
  if (typeof op !== 'string') throw badPatch('an operation of a JSON patch needs a member "op"');
  if (typeof path !== 'string') throw badPatch(`operation "${op}" of a JSON patch needs a member "path"`);
  if ((op === 'move' || op === 'copy') && typeof from !== 'string')
    throw badPatch(`operation "${op}" of a JSON patch needs a member "from"`);
  if ((op === 'add' || op === 'replace') && !Object.hasOwn(raw, 'value'))
    throw badPatch(`operation "${op}" of a JSON patch needs a member "value"`);
  return { op, path, value: raw['value'] ?? null, ...(typeof from === 'string' ? { from } : {}) };
}

function tokensOf(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw unprocessablePatch(`path "${path}" must be empty or start with "/"`);
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The container that holds the last token of `path`. */
function parentOf(root: unknown, path: string, op: string): { parent: JsonMap | unknown[]; token: string } {
  const tokens = tokensOf(path);
  const token = tokens.pop() ?? '';
  let at: unknown = root;
  for (const step of tokens) at = child(at, step);
  if (!isMap(at) && !Array.isArray(at))
    throw unprocessablePatch(`${op} operation does not apply: doc is missing path: "${path}": missing value`);
  return { parent: at, token };
}

function child(container: unknown, token: string): unknown {
  if (isMap(container)) return getKey(container, token);
  if (!Array.isArray(container)) return undefined;
  const index = indexOf(token, container.length);
  return index === undefined ? undefined : container[index];
}

/** Negative indices are counted from the end, as the library that Kubernetes uses does. */
function indexOf(token: string, length: number): number | undefined {
  if (!/^-?(0|[1-9]\d*)$/.test(token)) return undefined;
  const index = Number(token) < 0 ? length + Number(token) : Number(token);
  return index >= 0 && index < length ? index : undefined;
}

function add(root: unknown, path: string, value: unknown, op: string): unknown {
  if (path === '') return value;
  const { parent, token } = parentOf(root, path, op);
  if (!Array.isArray(parent)) {
    setKey(parent, token, value);
    return root;
  }
  const index = token === '-' ? parent.length : insertIndex(token, parent.length);
  if (index === undefined)
    throw unprocessablePatch(
      `${op} operation does not apply: doc is missing path: "${path}": Unable to access invalid index: ${token}: invalid index referenced`,
    );
  parent.splice(index, 0, value);
  return root;
}

/** Where a new item may stand: one past the end too; negative counts from there. */
function insertIndex(token: string, length: number): number | undefined {
  return indexOf(token, length + 1);
}

function missing(op: string, path: string): PatchError {
  return unprocessablePatch(`${op} operation does not apply: doc is missing key: ${path}: missing value`);
}

function read(root: unknown, path: string, op: string): unknown {
  if (path === '') return root;
  const { parent, token } = parentOf(root, path, op);
  const value = child(parent, token);
  if (value === undefined) throw missing(op, path);
  return value;
}

function remove(root: unknown, path: string, op: string): { root: unknown; value: unknown } {
  const value = read(root, path, op);
  if (path === '') return { root: null, value };
  const { parent, token } = parentOf(root, path, op);
  if (Array.isArray(parent)) parent.splice(indexOf(token, parent.length) ?? 0, 1);
  else delete parent[token];
  return { root, value };
}

function replace(root: unknown, path: string, value: unknown): unknown {
  if (path === '') return value;
  read(root, path, 'replace');
  const { parent, token } = parentOf(root, path, 'replace');
  if (Array.isArray(parent)) parent[indexOf(token, parent.length) ?? 0] = value;
  else setKey(parent, token, value);
  return root;
}

/** A test for null also passes where the key is absent. */
function check(root: unknown, { path, value }: Operation): void {
  const found = path === '' ? root : child(parentOf(root, path, 'test').parent, tokensOf(path).at(-1) ?? '');
  if (!equalJson(found ?? null, value)) throw unprocessablePatch(`testing value ${path} failed: test failed`);
}
