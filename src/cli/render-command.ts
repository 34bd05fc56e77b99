/** `ascend render <stack>`: the manifests that `pulumi up` applies, as YAML. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { kustomizationName, renderFiles, renderStream, unrenderable } from "../gitops/render.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import { planStack } from "../stack.ts";
import { parseCall, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** Files that an earlier rendering of this folder listed. Only those are ours to remove. */
function listedFiles(folder: string): readonly string[] {
  try {
    const list: unknown = parse(readFileSync(join(folder, kustomizationName), "utf8"));
    const resources = (list as { resources?: unknown } | null)?.resources;
    return Array.isArray(resources)
      ? resources.filter((name): name is string => typeof name === "string" && !/[/\\]/.test(name))
      : [];
  } catch {
    return [];
  }
}

/** Writes the folder; files of objects that are gone disappear, other files stay. */
function writeFolder(folder: string, objects: readonly PlannedObject[]): number {
  const files = renderFiles(objects);
  mkdirSync(folder, { recursive: true });
  const names = new Set(files.map(({ name }) => name));
  for (const name of listedFiles(folder)) if (!names.has(name)) rmSync(join(folder, name), { force: true });
  for (const { name, content } of files) writeFileSync(join(folder, name), content);
  return files.length;
}

/** Runs the command; returns the exit code. */
export function renderCommand(words: readonly string[], projectFolder: string, terminal: Terminal): number {
  const usage = "<stack> --stdout | --output <folder>";
  const { stack, values } = parseCall("render", usage, words, {
    stdout: { type: "boolean" },
    output: { type: "string" },
  });
  const folder = values.output;
  if ((values.stdout === true) === (typeof folder === "string")) {
    throw new UsageError(`say where to: either --stdout or --output; usage: ascend render ${usage}`);
  }
  const { objects } = planStack(projectFolder, stack);
  const [secret] = unrenderable(objects);
  if (secret !== undefined) {
    throw new UsageError(
      `${secret.manifest.kind} ${secret.manifest.metadata.name} holds a secret value, which never goes into rendered files; use image.pullSecrets with a secret that exists in the cluster instead of image.registryCredentials`,
    );
  }
  if (typeof folder === "string") {
    terminal.print(`${writeFolder(folder, objects)} files in ${folder}\n`);
  } else terminal.print(renderStream(objects));
  return 0;
}
