/** `ascend render <stack>`: the manifests that `pulumi up` applies, as YAML. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import {
  kustomizationName,
  type RenderedFile,
  renderFiles,
  renderStream,
  renderWaves,
  unrenderable,
} from "../gitops/render.ts";
import { planStack } from "../stack.ts";
import { parseCall, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

const usage = "<stack> --stdout | --output <folder> [--by-wave] [--check]";

const isPlainName = (name: unknown): name is string =>
  typeof name === "string" && /^[\w.-]+$/.test(name) && name !== "..";

/** Files that an earlier rendering of this folder listed, with those of listed folders. Only those are ours to remove. */
function listedFiles(folder: string, below = ""): readonly string[] {
  let resources: unknown;
  try {
    resources = (parse(readFileSync(join(folder, below, kustomizationName), "utf8")) as { resources?: unknown } | null)
      ?.resources;
  } catch {
    return [];
  }
  const names = (Array.isArray(resources) ? resources : []).filter(isPlainName);
  return names.flatMap((name) => {
    const path = join(below, name);
    if (name.endsWith(".yaml")) return [path];
    return below === "" ? [...listedFiles(folder, path), join(path, kustomizationName)] : [];
  });
}

const isEmptyFolder = (folder: string): boolean => existsSync(folder) && readdirSync(folder).length === 0;

/** Writes the folder; files of objects that are gone disappear, other files stay. */
function writeFolder(folder: string, files: readonly RenderedFile[]): void {
  const names = new Set(files.map(({ name }) => name));
  for (const name of listedFiles(folder)) {
    if (names.has(name)) continue;
    rmSync(join(folder, name), { force: true });
    if (dirname(name) !== "." && isEmptyFolder(join(folder, dirname(name)))) rmdirSync(join(folder, dirname(name)));
  }
  for (const { name, content } of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** How a folder differs from what would be written: one line a file, nothing when it is up to date. */
export function staleFiles(folder: string, files: readonly RenderedFile[]): readonly string[] {
  const names = new Set(files.map(({ name }) => name));
  const wrong = files.flatMap(({ name, content }) => {
    const path = join(folder, name);
    if (!existsSync(path)) return [`${name} is missing`];
    return readFileSync(path, "utf8") === content ? [] : [`${name} is stale`];
  });
  const surplus = listedFiles(folder).filter((name) => !names.has(name) && existsSync(join(folder, name)));
  return [...wrong, ...surplus.map((name) => `${name} should be gone`)];
}

/** Runs the command; returns the exit code. */
export function renderCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  const { stack, values } = parseCall("render", usage, words, {
    stdout: { type: "boolean" },
    output: { type: "string" },
    "by-wave": { type: "boolean" },
    check: { type: "boolean" },
  });
  const folder = values.output;
  if ((values.stdout === true) === (typeof folder === "string")) {
    throw new UsageError(`say where to: either --stdout or --output; usage: ascend render ${usage}`);
  }
  if (typeof folder !== "string" && (values.check === true || values["by-wave"] === true)) {
    throw new UsageError(`--check and --by-wave need --output; usage: ascend render ${usage}`);
  }
  const { objects, build } = planStack(projectFolder, stack);
  if (build !== undefined) {
    throw new UsageError(
      `the image of ${stack} is built by pulumi up, so its digest is in no file; build it first (pulumi up, or ascend image command ${stack}), then give the digest as image.reference instead of image.build`,
    );
  }
  const [secret] = unrenderable(objects);
  if (secret !== undefined) {
    throw new UsageError(
      `${secret.manifest.kind} ${secret.manifest.metadata.name} holds a secret value, which never goes into rendered files; give image.registryCredentials as externalSecret or sealedSecret, or name an existing secret in image.pullSecrets`,
    );
  }
  if (typeof folder !== "string") {
    terminal.print(renderStream(objects));
    return 0;
  }
  const files = values["by-wave"] === true ? renderWaves(objects) : renderFiles(objects);
  if (values.check !== true) {
    writeFolder(folder, files);
    terminal.print(`${files.length} files in ${folder}\n`);
    return 0;
  }
  const stale = staleFiles(folder, files);
  if (stale.length === 0) {
    terminal.print(`${folder} is up to date\n`);
    return 0;
  }
  const call = `ascend render ${stack} --output ${folder}${values["by-wave"] === true ? " --by-wave" : ""}`;
  terminal.printError(`${stale.map((line) => `${folder}: ${line}`).join("\n")}\nrun: ${call}\n`);
  return 1;
}
