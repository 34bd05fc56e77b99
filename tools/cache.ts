/** Where tools are kept, outside the checkout, by name and version, so that every checkout shares them. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
}

const noteName = "installed.json";

/** Root of everything that this project keeps outside its checkout. */
export function cacheRoot(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "ascend-stacks");
}

/** Folder of one version of one tool: `bin`, `assets` and the note. */
export const toolFolder = (root: string, name: string, version: string): string => join(root, "tools", name, version);

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
  let names: readonly string[] = [];
  try {
    names = readdirSync(parent);
  } catch {
    return;
  }
  for (const name of names) {
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
