import type { AnyObject } from '#api/kube';
import { ApiError } from '#lab/contract';
import { badRequest, cannotHandle } from '#lab/decode';
import { builtins, DEFAULTS, DecodeFault, printerOf, toNormalForm, validateBuiltin } from '#lab/schema';
import type { BuiltinRow } from './builtin-resources.ts';
import type { Kind } from './resource.ts';

/** The shape of a built-in kind, from the tables of lab/schema. */
export function builtinKind({ group, version, kind }: Pick<BuiltinRow, 'group' | 'version' | 'kind'>): Kind {
  const found = builtins.findKind(group, version, kind);
  if (!found) throw new Error(`no table describes ${group}/${version} ${kind}`);
  const printer = printerOf(group, version, kind);
  return {
    schema: builtins.schemaOf(found.type),
    normalize: (object) => {
      try {
        const normal = toNormalForm(found.type, object, { defaults: DEFAULTS });
        return { object: normal.object as AnyObject, unknownFields: normal.unknownFields };
      } catch (error) {
        if (!(error instanceof DecodeFault)) throw error;
        throw new ApiError(badRequest(cannotHandle({ version, kind }, kind, error.message)));
      }
    },
    validate: (object, old) => validateBuiltin(found.type, object, old),
    columns: printer.columns,
    row: (object, nowMs) => printer.row(object, nowMs),
  };
}
