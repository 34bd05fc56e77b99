/** Findings about a stack file: what is wrong, where, what was got, what is allowed, what to do. */

/** Where a value stands: a file with line and column, both counted from 1, or the engine's configuration without a position. */
export interface Location {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** One finding, without its position. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Keys from the environment down to the value. */
  readonly path: readonly (string | number)[];
  readonly what: string;
  readonly got?: string;
  readonly allowed?: string;
  /** Nearest valid values, nearest first. */
  readonly nearest?: readonly string[];
  readonly remedy?: string;
  /** Name of the broken rule. */
  readonly rule?: string;
  /** Where the rule comes from: document or source file of the program that would have refused or misread it. */
  readonly source?: string;
}

/** One finding with its position. */
export interface LocatedDiagnostic extends Diagnostic, Location {}

/** Readable form of a path: `runs.t2v.stages[2]`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${key}`)).join("");
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** A finding on one line, without its severity. */
export function warningLine(found: LocatedDiagnostic): string {
  const position = found.line === undefined ? found.file : `${found.file}:${found.line}:${found.column ?? 1}`;
  const path = pathText(found.path);
  const parts = [
    oneLine(found.what),
    ...(found.got === undefined ? [] : [`got ${oneLine(found.got)}`]),
    ...(found.allowed === undefined ? [] : [`allowed: ${oneLine(found.allowed)}`]),
    ...(found.nearest === undefined || found.nearest.length === 0
      ? []
      : [`nearest: ${found.nearest.map(oneLine).join(", ")}`]),
    ...(found.remedy === undefined ? [] : [oneLine(found.remedy)]),
    ...(found.source === undefined ? [] : [`source: ${oneLine(found.source)}`]),
  ];
  return `${position}: ${path === "" ? "" : `${path}: `}${parts.join("; ")}`;
}

const byPosition = (left: LocatedDiagnostic, right: LocatedDiagnostic): number =>
  (left.file < right.file ? -1 : left.file > right.file ? 1 : 0) ||
  (left.line ?? 0) - (right.line ?? 0) ||
  (left.column ?? 0) - (right.column ?? 0);

/** A stack file that cannot be used. The message lists every finding; it is written for users and needs no stack trace. */
export class ConfigurationError extends Error {
  readonly diagnostics: readonly LocatedDiagnostic[];

  constructor(stack: string, diagnostics: readonly LocatedDiagnostic[]) {
    const sorted = [...diagnostics].sort(byPosition);
    const errors = sorted.filter(({ severity }) => severity === "error").length;
    const lines = sorted.map((found) => `  ${found.severity}: ${warningLine(found)}`);
    super(
      [`stack ${stack}: ${errors} ${errors === 1 ? "mistake" : "mistakes"}; nothing was created`, ...lines].join("\n"),
    );
    this.name = "ConfigurationError";
    this.diagnostics = sorted;
  }
}
