/** What the rules on environment variables look at, and how they report. */
import type { Diagnostic } from "../config/diagnostics.ts";

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>;

/** A run, as far as its variables depend on it. */
export interface VariableContext {
  /** Variables that the recipe sets under the run's own; absent while nothing that uses NPUs is planned. */
  readonly defaults?: Variables;
  readonly nodes: number;
  /** Whether pods have addresses of their own or share those of their nodes. */
  readonly networkMode: "pod" | "hostNetwork";
  /** Names whose spelling or value the user vouches for. */
  readonly accepted: readonly string[];
}

/** A rule on variables: its name, who says so, and the check. */
export interface VariableRule {
  readonly name: string;
  readonly source: string;
  readonly check: (given: Variables, context: VariableContext) => readonly Diagnostic[];
}

/** The place of a variable, relative to the run. */
export const placeOf = (name: string): readonly string[] => ["environmentVariables", name];

/** The value that the program sees: the run's own, else the recipe's. */
export function effective(given: Variables, { defaults }: VariableContext, name: string): string | undefined {
  if (Object.hasOwn(given, name)) return given[name];
  return defaults !== undefined && Object.hasOwn(defaults, name) ? defaults[name] : undefined;
}

type Finding = Omit<Diagnostic, "path" | "rule" | "severity">;

/** Whether ranks of several nodes will meet with these variables. */
export const meetsNodes = ({ nodes, defaults }: VariableContext): boolean => nodes > 1 && defaults !== undefined;

/** A finding about one variable. */
export const finding = (rule: string, severity: Diagnostic["severity"], name: string, found: Finding): Diagnostic => ({
  severity,
  rule,
  path: placeOf(name),
  ...found,
});

/** Findings that the user may overrule by vouching for the variable: they become warnings. */
export function overruled(found: Diagnostic, name: string, { accepted }: VariableContext): Diagnostic {
  if (found.severity === "warning") return found;
  if (accepted.includes(name)) return { ...found, severity: "warning" };
  return {
    ...found,
    remedy: `${found.remedy === undefined ? "" : `${found.remedy}, or `}list ${name} in acceptedVariables`,
  };
}
