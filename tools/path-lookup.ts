/** Tools that the machine has already: found on PATH, taken if their version fits. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Tool } from "./manifest.ts";
import { run } from "./processes.ts";
import { fits, versionIn } from "./version.ts";

/** Why the machine's own programs are not used; the message is one line for users. */
export class LookupError extends Error {}

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

/**
 * The machine's own programs of a tool, by name.
 *
 * @throws LookupError when one is missing or of another version
 */
export async function lookUp(tool: Tool, searchPath: string): Promise<Readonly<Record<string, string>>> {
  if ((tool.assets ?? []).length > 0)
    throw new LookupError("a program alone is not enough: its definitions come with the module");
  const found = new Map<string, string>();
  for (const program of tool.programs) {
    const file = findOnPath(program, searchPath);
    if (file === undefined) throw new LookupError(`${program} is not on PATH`);
    found.set(program, file);
  }
  const [first] = found.values();
  const { stdout, stderr } = await run(first ?? "", tool.versionArguments, { timeoutMilliseconds: 10_000 });
  const version = versionIn(`${stdout}${stderr}`);
  const pinned = versionIn(tool.version);
  if (version === undefined || pinned === undefined) throw new LookupError(`${first} does not tell its version`);
  if (!fits(version, pinned, tool.fit))
    throw new LookupError(`${first} is ${version.join(".")}, which does not fit ${tool.version}`);
  return Object.fromEntries(found);
}
