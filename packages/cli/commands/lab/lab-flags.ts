import { UserError } from '../../context.ts';

/** Flags that name a lab. */
export interface LabFlags {
  name: string;
  root: string;
}

/** An error of the lab is a sentence for the operator. */
export async function said<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}
