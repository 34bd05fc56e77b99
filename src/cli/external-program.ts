/** Programs that commands call: looked for on the search path, started with plain words, never through a shell. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { UsageError } from "./arguments.ts";

/** Whether a program is on the search path. */
export function isThere(program: string, searchPath: string = process.env.PATH ?? ""): boolean {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== "")
    .some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The first of some programs that the machine has.
 *
 * @throws UsageError naming all of them
 */
export function firstThere<Name extends string>(programs: readonly Name[], purpose: string): Name {
  const found = programs.find((program) => isThere(program));
  if (found === undefined)
    throw new UsageError(
      `${purpose} needs ${programs.join(" or ")}, which is not on PATH; install it, or put it there`,
    );
  return found;
}

/** What a finished program left behind. */
export interface ProgramResult {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end. Its error output passes through when `isShown`. */
export function runProgram(
  words: readonly string[],
  options: { readonly environment?: Readonly<Record<string, string>>; readonly isShown?: boolean } = {},
): ProgramResult {
  const [program = "", ...rest] = words;
  const { status, stdout, stderr, error } = spawnSync(program, rest, {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", options.isShown === true ? "inherit" : "pipe"],
  });
  if (error !== undefined) return { code: 127, output: "", errors: error.message };
  return { code: status ?? 1, output: stdout, errors: stderr ?? "" };
}

/**
 * Runs a program that must succeed.
 *
 * @throws UsageError with the program's last words
 */
export function mustRun(
  words: readonly string[],
  purpose: string,
  options: Parameters<typeof runProgram>[1] = {},
): string {
  const { code, output, errors } = runProgram(words, options);
  if (code === 0) return output;
  const last = errors.trim().split("\n").at(-1) ?? "";
  throw new UsageError(`${purpose}: ${words[0]} ended with ${code}${last === "" ? "" : `: ${last}`}`);
}
