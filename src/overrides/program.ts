/** Overrides a program's arguments and the JSON files that they name. Pure. */
import type { Diagnostic } from "../config/diagnostics.ts";
import { type Overridden, overrideArguments } from "./arguments.ts";
import { type FieldRules, overrideFields } from "./fields.ts";
import type { Owned } from "./owned-options.ts";
import type { Overrides } from "./surface.ts";

/** A program with its arguments, and the files that it reads by absolute path. */
export interface ConfiguredProgram {
  readonly program: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** What may be overridden of a program: options that settings decide, and the fields of its files. */
export interface ProgramRules {
  readonly options: Readonly<Record<string, Owned>>;
  readonly model: FieldRules;
  readonly data: FieldRules;
  readonly tools: FieldRules;
}

/** The option that names each file. */
const fileOptions = { model: "--mm-model", data: "--mm-data", tools: "--mm-tool" } as const;
type FileRole = keyof typeof fileOptions;

const pathAfter = (program: readonly string[], option: string): string | undefined => {
  const place = program.indexOf(option);
  return place === -1 ? undefined : program[place + 1];
};

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface OverriddenFile {
  readonly files: Readonly<Record<string, string>>;
  readonly problems: readonly Diagnostic[];
}

function overrideFile(
  { program, files }: ConfiguredProgram,
  role: FileRole,
  overrides: Overrides,
  rules: ProgramRules,
): OverriddenFile {
  if (Object.keys(overrides[role]).length === 0) return { files: {}, problems: [] };
  const path = pathAfter(program, fileOptions[role]);
  const text = path === undefined ? undefined : files[path];
  const document: unknown = text === undefined ? undefined : JSON.parse(text);
  if (path === undefined || !isMap(document)) {
    const what = `${program[0] ?? "the program"} reads no such file (${fileOptions[role]})`;
    const remedy = "remove the override";
    return { files: {}, problems: [{ severity: "error", rule: "overridden-file", path: [role], what, remedy }] };
  }
  const { value, problems } = overrideFields(document, overrides[role], rules[role]);
  return {
    files: { [path]: `${JSON.stringify(value, null, 2)}\n` },
    problems: problems.map((found) => ({ ...found, path: [role, ...found.path] })),
  };
}

/** Whether nothing is overridden. */
export const isEmpty = (overrides: Overrides): boolean =>
  Object.values(overrides).every((part) => Object.keys(part).length === 0);

/**
 * A stage with overrides applied to its arguments and files; everything else of it stays. Problems carry paths relative to the
 * overrides; with a problem the stage comes back unchanged.
 */
export function overrideProgram<Stage extends ConfiguredProgram>(
  stage: Stage,
  overrides: Overrides,
  rules: ProgramRules,
): Overridden<Stage> {
  if (isEmpty(overrides)) return { value: stage, problems: [] };
  const words = overrideArguments(stage.program, overrides.arguments, rules.options);
  const roles: readonly FileRole[] = ["model", "data", "tools"];
  const made = roles.map((role) => overrideFile(stage, role, overrides, rules));
  const problems = [
    ...words.problems.map((found) => ({ ...found, path: ["arguments", ...found.path] })),
    ...made.flatMap((file) => file.problems),
  ];
  if (problems.length > 0) return { value: stage, problems };
  const files = Object.fromEntries([stage, ...made].flatMap((part) => Object.entries(part.files)));
  return { value: { ...stage, program: words.value, files }, problems };
}
