/** What the judgement on an image's versions means for a plan: impossible is a mistake, untested a warning. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { combinationText, judge } from "./judge.ts";
import type { Combination, Versions } from "./versions.ts";

/**
 * Findings about a combination.
 *
 * @param path of the settings that state it; a part's own field is named below it where the user wrote one
 */
export function combinationProblems(
  versions: Versions,
  combination: Combination,
  path: readonly string[],
): readonly Diagnostic[] {
  const { verdict, remarks, nearest } = judge(versions, combination);
  if (verdict === "supported") return [];
  return remarks.map(({ part, what, allowed, source }) => ({
    severity: verdict === "impossible" ? "error" : "warning",
    rule: verdict === "impossible" ? "versions-possible" : "versions-supported",
    path: [...path, part],
    what: `${verdict === "impossible" ? "these versions cannot work together" : "these versions are not tested together"}: ${what}`,
    ...(combination[part] === undefined ? {} : { got: combination[part] }),
    ...(allowed === undefined ? {} : { allowed: allowed.join(", ") }),
    ...(nearest === undefined ? {} : { nearest: [combinationText(nearest)] }),
    ...(source === undefined ? {} : { remedy: `see ${source}` }),
  }));
}
