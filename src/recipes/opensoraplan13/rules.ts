/** What a rule of these recipes finds. */
import type { Diagnostic } from "../../config/diagnostics.ts";

/** A finding; `path` is relative to the run. */
export type RunFinding = Omit<Diagnostic, "path"> & {
  readonly path: readonly (string | number)[];
  readonly rule: string;
};
