/** Puts every pinned tool into the cache, each by the first way that works. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import {
  cacheRoot,
  fileState,
  finish,
  type InstalledNote,
  readNote,
  removeDeadWork,
  toolFolder,
  type Way,
  workFolder,
} from "./cache.ts";
import { download } from "./download.ts";
import { buildModule } from "./go-build.ts";
import { withLock } from "./lock.ts";
import { type Platform, type ReleaseFile, type Tool, toolOf, tools } from "./manifest.ts";
import { lookUp } from "./path-lookup.ts";
import { run } from "./processes.ts";

/** A tool that is ready to run. */
export interface InstalledTool {
  readonly name: string;
  readonly version: string;
  readonly way: Way;
  readonly seconds: number;
  readonly folder: string;
  /** Absolute paths of its programs. */
  readonly programs: Readonly<Record<string, string>>;
}

/** No way worked; the message says why for each, and what to install. */
export class ToolError extends Error {}

/** Settings of an installation; all have defaults. */
export interface EnsureOptions {
  readonly root?: string;
  readonly searchPath?: string;
  readonly modulesFolder?: string;
  /** Ways that may be tried, in the fixed order; all by default. */
  readonly ways?: readonly Way[];
  readonly progress?: (line: string) => void;
}

/** This machine in Go's words. */
export function thisPlatform(): Platform {
  return { system: platform() === "darwin" ? "darwin" : "linux", architecture: arch() === "arm64" ? "arm64" : "amd64" };
}

const programFiles = (tool: Tool, folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(tool.programs.map((program) => [program, join(folder, "bin", program)]));

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Hash of everything that decides what a download or a build yields. A changed flag or sum must not leave the old program in use. */
export function recipeOf(tool: Tool, modulesFolder: string): string {
  const hash = createHash("sha256").update(JSON.stringify([tool, tool.release?.(thisPlatform())]));
  for (const { folder } of tool.modules)
    for (const name of ["go.mod", "go.sum"]) hash.update(textOf(join(modulesFolder, folder, name)));
  return hash.digest("hex").slice(0, 16);
}

/** Whether the machine's programs are still those whose version was asked: they may have been upgraded or removed since. */
const isUnchanged = ({ machinePrograms = {} }: InstalledNote): boolean =>
  Object.entries(machinePrograms).every(([file, state]) => existsSync(file) && fileState(file) === state);

function installed(tool: Tool, folder: string, options: Required<EnsureOptions>): InstalledTool | undefined {
  const note = readNote(folder);
  const programs = programFiles(tool, folder);
  if (note === undefined || !isUnchanged(note) || !Object.values(programs).every((file) => existsSync(file)))
    return undefined;
  if (note.recipe !== undefined && note.recipe !== recipeOf(tool, options.modulesFolder)) return undefined;
  return { name: tool.name, version: tool.version, way: note.way, seconds: note.seconds, folder, programs };
}

/** What a way of installing adds to the note. */
type NoteAddition = Pick<InstalledNote, "recipe" | "machinePrograms">;

async function fromPath(tool: Tool, work: string, options: Required<EnsureOptions>): Promise<NoteAddition> {
  const found = await lookUp(tool, options.searchPath);
  mkdirSync(join(work, "bin"), { recursive: true });
  for (const [program, file] of Object.entries(found)) symlinkSync(file, join(work, "bin", program));
  return { machinePrograms: Object.fromEntries(Object.values(found).map((file) => [file, fileState(file)])) };
}

/** Partial downloads stay in a folder of their own, so that the next attempt goes on. */
const downloadFolder = (tool: Tool, root: string): string => join(root, "downloads", tool.name, tool.version);

const downloadTarget = (file: ReleaseFile, downloads: string): string =>
  join(downloads, basename(new URL(file.url).pathname));

/** Puts the programs of a downloaded file into `<work>/bin`. */
async function unpack(file: ReleaseFile, target: string, work: string): Promise<void> {
  const bin = join(work, "bin");
  mkdirSync(bin, { recursive: true });
  if (file.members === undefined) {
    const program = join(bin, file.program ?? basename(target));
    renameSync(target, program);
    chmodSync(program, 0o755);
    return;
  }
  const unpacked = join(work, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  const { code, stderr } = await run("tar", ["-xf", target, "-C", unpacked, ...file.members]);
  if (code !== 0) throw new ToolError(`${basename(target)} cannot be unpacked: ${stderr.trim()}`);
  for (const member of file.members) renameSync(join(unpacked, member), join(bin, basename(member)));
  rmSync(unpacked, { recursive: true });
}

async function fromRelease(tool: Tool, work: string, options: Required<EnsureOptions>): Promise<NoteAddition> {
  const files = tool.release?.(thisPlatform()) ?? [];
  if (files.length === 0) throw new ToolError("there is no official release with published checksums for this machine");
  const downloads = downloadFolder(tool, options.root);
  mkdirSync(downloads, { recursive: true });
  // All are fetched before one is moved, so that nothing is fetched twice when a later one fails.
  for (const file of files) await download(file.url, file.checksumUrl, downloadTarget(file, downloads));
  for (const file of files) await unpack(file, downloadTarget(file, downloads), work);
  rmSync(downloads, { recursive: true });
  return { recipe: recipeOf(tool, options.modulesFolder) };
}

async function fromModule(tool: Tool, work: string, options: Required<EnsureOptions>): Promise<NoteAddition> {
  const recipe = recipeOf(tool, options.modulesFolder);
  const started = Date.now();
  const beat = setInterval(() => {
    options.progress(`${tool.name} ${tool.version}: still building, ${Math.round((Date.now() - started) / 1000)} s`);
  }, beatMilliseconds);
  try {
    for (const build of tool.modules) await buildModule(build, options.modulesFolder, work);
  } finally {
    clearInterval(beat);
  }
  return { recipe };
}

/** A cold build of the largest tool takes minutes; silence would look like a hang. */
const beatMilliseconds = 30_000;

const installers: readonly { readonly way: Way; readonly doing: string; readonly install: typeof fromPath }[] = [
  { way: "path", doing: "looking on PATH", install: fromPath },
  { way: "release", doing: "downloading the official release", install: fromRelease },
  { way: "module", doing: "building from its Go module", install: fromModule },
];

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ");

async function installTool(tool: Tool, folder: string, options: Required<EnsureOptions>): Promise<void> {
  removeDeadWork(folder);
  const reasons: string[] = [];
  for (const { way, doing, install } of installers) {
    if (!options.ways.includes(way)) continue;
    const started = Date.now();
    const work = workFolder(folder);
    if (way !== "path") options.progress(`${tool.name} ${tool.version}: ${doing} …`);
    try {
      const addition = await install(tool, work, options);
      const seconds = Math.round((Date.now() - started) / 100) / 10;
      finish(work, folder, { name: tool.name, version: tool.version, way, seconds, ...addition });
      options.progress(
        `${tool.name} ${tool.version}: ready, ${way === "path" ? "found on PATH" : `${way}, ${seconds} s`}`,
      );
      return;
    } catch (error) {
      rmSync(work, { recursive: true, force: true });
      reasons.push(`${doing}: ${oneLine(error)}`);
      if (way === "release") options.progress(`${tool.name} ${tool.version}: no download (${oneLine(error)})`);
    }
  }
  throw new ToolError(
    [
      `${tool.name} ${tool.version} cannot be had:`,
      ...reasons.map((reason) => `  ${reason}`),
      `  to go on: ${tool.remedy}, or make one of these ways work`,
    ].join("\n"),
  );
}

/** Makes sure that one tool is there. */
export async function ensureTool(tool: Tool, options: Required<EnsureOptions>): Promise<InstalledTool> {
  const folder = toolFolder(options.root, tool.name, tool.version);
  const ready = installed(tool, folder, options);
  if (ready !== undefined) return ready;
  return withLock(
    `${folder}.lock`,
    async () => {
      const meanwhile = installed(tool, folder, options);
      if (meanwhile !== undefined) return meanwhile;
      mkdirSync(dirname(folder), { recursive: true });
      await installTool(tool, folder, options);
      const result = installed(tool, folder, options);
      if (result === undefined)
        throw new ToolError(`${tool.name} was installed but lacks one of ${tool.programs.join(", ")}`);
      return result;
    },
    (owner) => options.progress(`${tool.name} ${tool.version}: waiting for process ${owner}, which is installing it`),
  );
}

/**
 * Makes sure that tools are there, one after the other: a build uses all cores by itself.
 *
 * @param names names of the manifest; all when absent
 * @throws ToolError when a tool cannot be had by any way
 */
export async function ensureTools(
  names: readonly string[] = tools.map(({ name }) => name),
  options: EnsureOptions = {},
): Promise<readonly InstalledTool[]> {
  const complete: Required<EnsureOptions> = {
    root: options.root ?? cacheRoot(),
    searchPath: options.searchPath ?? process.env.PATH ?? "",
    modulesFolder: options.modulesFolder ?? join(import.meta.dirname, "modules"),
    ways: options.ways ?? installers.map(({ way }) => way),
    progress: options.progress ?? ((line) => void process.stderr.write(`tools: ${line}\n`)),
  };
  const result: InstalledTool[] = [];
  for (const name of names) result.push(await ensureTool(toolOf(name), complete));
  return result;
}

/** Paths of all programs of some tools, by program name. */
export const programsOf = (installedTools: readonly InstalledTool[]): Readonly<Record<string, string>> =>
  Object.assign({}, ...installedTools.map(({ programs }) => programs)) as Readonly<Record<string, string>>;

/** The path of one program. */
export function programOf(installedTools: readonly InstalledTool[], program: string): string {
  const path = programsOf(installedTools)[program];
  if (path === undefined) throw new Error(`no installed tool has the program ${program}`);
  return path;
}

/** Folders to put first on a search path so that the tools, and the Node that runs this, are found. */
export const toolSearchPath = (installedTools: readonly InstalledTool[]): string =>
  [dirname(process.execPath), ...installedTools.map(({ folder }) => join(folder, "bin"))].join(":");
