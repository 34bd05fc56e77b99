/** Findings of the schema library, turned into our diagnostics: what was got, what is allowed, what is nearest. */
import type { z } from "zod";
import type { Diagnostic } from "./diagnostics.ts";
import { nearestWords } from "./nearest.ts";

type Issue = z.core.$ZodIssue;

const keyPath = (path: readonly PropertyKey[]): readonly (string | number)[] =>
  path.map((key) => (typeof key === "number" ? key : String(key)));

/** A value for a message: short, and never the content of a secret. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const quoted = typeof value === "string" ? `"${text}"` : text;
  return quoted.length > 80 ? `${quoted.slice(0, 77)}…` : quoted;
}

/** The value at a path of plain data. */
export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let current = data;
  for (const key of path) {
    if (current === null || typeof current !== "object" || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}

/** Keys that are known beside an unknown one; given by the caller, who knows the schema. */
export type KnownKeys = (path: readonly (string | number)[]) => readonly string[];

interface Finding {
  readonly what: string;
  readonly allowed?: string;
  readonly nearest?: readonly string[];
  readonly remedy?: string;
}

function limits(issue: Extract<Issue, { code: "too_small" | "too_big" }>): Finding {
  const isLow = issue.code === "too_small";
  const limit = isLow ? issue.minimum : issue.maximum;
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
  const relation = issue.inclusive === false ? (isLow ? "above" : "below") : isLow ? "at least" : "at most";
  const size =
    issue.origin === "string" || issue.origin === "array"
      ? isLow
        ? "too short"
        : "too long"
      : isLow
        ? "too small"
        : "too large";
  return {
    what: size,
    allowed: `${relation} ${limit}${unit}`,
    ...(unit === "" && issue.inclusive !== false ? { nearest: [String(limit)] } : {}),
  };
}

const choices = (values: readonly unknown[], got: unknown): Finding => ({
  what: "not one of the allowed values",
  allowed: values.map(String).join(", "),
  nearest: typeof got === "string" ? nearestWords(got, values.map(String)) : [],
});

function finding(issue: Issue, got: unknown): Finding {
  switch (issue.code) {
    case "invalid_type":
      return got === undefined
        ? { what: "is missing", allowed: issue.expected }
        : { what: "has the wrong type", allowed: issue.expected };
    case "invalid_value":
      return choices(issue.values, got);
    case "too_small":
    case "too_big":
      return limits(issue);
    case "invalid_format":
      return { what: issue.message };
    case "invalid_key":
      return { what: `the key ${issue.issues.map(({ message }) => message).join("; ")}` };
    case "custom": {
      const params = issue.params ?? {};
      const part = (key: string) => (typeof params[key] === "string" ? { [key]: params[key] } : {});
      return { what: issue.message, ...part("allowed"), ...part("remedy") };
    }
    default:
      return { what: issue.message };
  }
}

/** An unknown key gets a finding of its own, with the nearest known ones. */
function unknownKeys(issue: Extract<Issue, { code: "unrecognized_keys" }>, known: KnownKeys): readonly Diagnostic[] {
  const path = keyPath(issue.path);
  const allowed = known(path);
  return issue.keys.map((key) => ({
    severity: "error",
    rule: "known-keys",
    path: [...path, key],
    what: "unknown key",
    allowed: allowed.join(", "),
    nearest: nearestWords(key, allowed),
  }));
}

/** A union reports its best branch: a discriminator's choices, or the branch with the fewest findings. */
function unionFindings(
  issue: Extract<Issue, { code: "invalid_union" }>,
  data: unknown,
  known: KnownKeys,
): readonly Diagnostic[] {
  const path = keyPath(issue.path);
  const branches = issue.errors.map((errors) =>
    errors.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue),
  );
  const [best] = branches.sort((left, right) => left.length - right.length);
  if (best !== undefined && best.length > 0) return best.flatMap((inner) => diagnosticsOf(inner, data, known));
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  const got = valueAt(data, path);
  const found = options.length > 0 ? choices(options, got) : { what: issue.message };
  return [{ severity: "error", path, ...found, got: shown(got) }];
}

/** All diagnostics of one issue. */
export function diagnosticsOf(issue: Issue, data: unknown, known: KnownKeys): readonly Diagnostic[] {
  if (issue.code === "unrecognized_keys") return unknownKeys(issue, known);
  if (issue.code === "invalid_union") return unionFindings(issue, data, known);
  const path = keyPath(issue.path);
  const got = valueAt(data, path);
  const custom = issue.code === "custom" && typeof issue.params?.got === "string" ? issue.params.got : undefined;
  const key = issue.code === "invalid_key" ? String(path.at(-1) ?? "") : undefined;
  return [{ severity: "error", path, ...finding(issue, got), got: key ?? custom ?? shown(got) }];
}
