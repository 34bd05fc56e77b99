/** Tools that the machine has already: found on PATH, taken if their version fits. */
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Tool } from "./manifest.ts";
import { run } from "./processes.ts";
import { fits, isPreliminary, versionIn } from "./version.ts";

/** Why the machine's own programs are not used; the message is one line for users. */
export class LookupError extends Error {}

const versionTimeoutMilliseconds = 10_000;

/** The first executable file of that name on a search path. */
export function findOnPath(program: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** Where the tool's programs lie, by name: those that tell no version beside the first, the others anywhere on the search path. */
function locate(tool: Tool, searchPath: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const program of tool.programs) {
    const [first] = found.values();
    const isCompanion = first !== undefined && tool.versionArguments[program] === undefined;
    const file = findOnPath(program, isCompanion ? dirname(realpathSync(first)) : searchPath);
    if (file === undefined)
      throw new LookupError(isCompanion ? `${program} does not lie beside ${first}` : `${program} is not on PATH`);
    found.set(program, file);
  }
  return found;
}

async function requireFit(tool: Tool, file: string, words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await run(file, words, {
    timeoutMilliseconds: versionTimeoutMilliseconds,
    // Otherwise the question for the version may ask the network for a newer one.
    environment: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  const text = `${stdout}${stderr}`;
  const version = code === 0 ? versionIn(text) : undefined;
  const pinned = versionIn(tool.version);
  if (version === undefined || pinned === undefined) throw new LookupError(`${file} does not tell its version`);
  if (isPreliminary(text) || !fits(version, pinned, tool.fit)) {
    const kind = isPreliminary(text) ? "a preliminary version" : version.join(".");
    throw new LookupError(`${file} is ${kind}, which does not fit ${tool.version}`);
  }
}

/**
 * The machine's own programs of a tool, by name.
 *
 * @throws LookupError when one is missing or of another version
 */
export async function lookUp(tool: Tool, searchPath: string): Promise<Readonly<Record<string, string>>> {
  if ((tool.assets ?? []).length > 0)
    throw new LookupError("a program alone is not enough: its definitions come with the module");
  const found = locate(tool, searchPath);
  for (const [program, file] of found) {
    const words = tool.versionArguments[program];
    if (words !== undefined) await requireFit(tool, file, words);
  }
  return Object.fromEntries(found);
}
