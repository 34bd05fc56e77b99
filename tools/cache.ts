/** Where tools are kept, outside the checkout, by name and version, so that every checkout shares them. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { startTime } from "./processes.ts";

/** How a tool came to be there. */
export type Way = "path" | "release" | "module";

/** The note that an installed tool carries; a folder without it is not finished. */
export interface InstalledNote {
  readonly name: string;
  readonly version: string;
  readonly way: Way;
  /** How long it took, in seconds. */
  readonly seconds: number;
  /** Hash of what a download or a build was made from; another one means that the tool is to be made anew. */
  readonly recipe?: string;
  /** The machine's own programs as they were when their version was asked: path to size and time of change. */
  readonly machinePrograms?: Readonly<Record<string, string>>;
}

const noteName = "installed.json";

/** Root of everything that this project keeps outside its checkout. */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "ascend-stacks");
}

/** Folder of one version of one tool: `bin`, `assets` and the note. */
export const toolFolder = (root: string, name: string, version: string): string => join(root, "tools", name, version);

/** Tells a changed file from the one it was, without reading it. */
export function fileState(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${size} bytes, changed ${mtimeMs}`;
}

/** Names below a folder, none when it is not there. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** Everything that the cache holds, of every version. */
export function listInstalled(root: string): readonly (InstalledNote & { readonly folder: string })[] {
  return namesIn(join(root, "tools")).flatMap((name) =>
    namesIn(join(root, "tools", name)).flatMap((version) => {
      const folder = toolFolder(root, name, version);
      const note = version.includes(".work-") ? undefined : readNote(folder);
      return note === undefined ? [] : [{ ...note, folder }];
    }),
  );
}

/** The note of a finished installation. */
export function readNote(folder: string): InstalledNote | undefined {
  try {
    // Written by `finish` in whole, before the folder gets its name.
    return JSON.parse(readFileSync(join(folder, noteName), "utf8")) as InstalledNote;
  } catch {
    return undefined;
  }
}

/** A fresh folder to work in, beside the final one; its name tells whose it is. */
export function workFolder(final: string): string {
  const folder = `${final}.work-${process.pid}-${startTime(process.pid) ?? "0"}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Removes work folders whose process is gone: what a cut-off installation left. */
export function removeDeadWork(final: string): void {
  const parent = dirname(final);
  for (const name of namesIn(parent)) {
    const owner = /\.work-(\d+)-(\d+)$/.exec(name);
    if (owner !== null && startTime(Number(owner[1])) !== owner[2])
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/** Gives finished work its final name in one step. */
export function finish(work: string, final: string, note: InstalledNote): void {
  writeFileSync(join(work, noteName), `${JSON.stringify(note, null, 2)}\n`);
  rmSync(final, { recursive: true, force: true });
  renameSync(work, final);
}
