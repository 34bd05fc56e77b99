/** Small Pulumi projects in temporary folders, run by the real CLI. For tests. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Engine, engineVariables, runPulumi } from "../engine.ts";
import { ensureTools, programOf, toolSearchPath } from "../ensure.ts";
import type { CommandResult } from "../processes.ts";
import { installStandIn } from "./install.ts";
import { isObject, type JsonObject, listAt, textAt } from "./json.ts";

/** One project with one stack. */
export interface TestProject {
  readonly folder: string;
  readonly engine: Engine;
}

const checkoutModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

const header = `import * as k8s from "@pulumi/kubernetes";\nimport * as pulumi from "@pulumi/pulumi";\n`;

/** Makes an engine whose only Kubernetes provider is the stand-in. */
export async function standInEngine(folder: string, kubeconfig: string): Promise<Engine> {
  const installed = await ensureTools(["pulumi"]);
  const variables = engineVariables(folder, kubeconfig);
  for (const name of ["state", "home"]) mkdirSync(join(folder, name), { recursive: true });
  installStandIn({ pulumiHome: join(folder, "home") });
  const environment = { ...process.env, ...variables, PATH: `${toolSearchPath(installed)}:${process.env.PATH ?? ""}` };
  return { pulumi: programOf(installed, "pulumi"), environment, provider: "stand-in" };
}

/** Makes a project with an empty stack. */
export async function createProject(engine: Engine, parent: string, name: string): Promise<TestProject> {
  const folder = join(parent, name);
  mkdirSync(folder);
  symlinkSync(checkoutModules, join(folder, "node_modules"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", dependencies: { "@pulumi/kubernetes": "*" } }),
  );
  const runtime = { name: "nodejs", options: { typescript: false } };
  writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name, main: "index.ts", runtime }));
  const project = { folder, engine };
  const { code, stderr } = await pulumi(project, "stack", "init", "test");
  if (code !== 0) throw new Error(stderr);
  return project;
}

/** Writes the program; the SDKs are imported as `k8s` and `pulumi`. */
export const program = ({ folder }: TestProject, text: string): void =>
  writeFileSync(join(folder, "index.ts"), header + text);

/** Runs the CLI in a project. */
export const pulumi = ({ engine, folder }: TestProject, ...words: readonly string[]): Promise<CommandResult> =>
  runPulumi(engine, folder, words);

/** Runs `pulumi up` of a program, without preview. */
export function up(project: TestProject, text: string): Promise<CommandResult> {
  program(project, text);
  return pulumi(project, "up", "--yes", "--skip-preview");
}

/** Runs a command that has to work, and gives its output. */
export async function succeed(result: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(`the command ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Runs a command that has to fail, and gives all that it printed. */
export async function fail(result: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  if (code === 0) throw new Error(`the command should have failed\n${stdout}`);
  return `${stdout}\n${stderr}`;
}

/** The resources in the stack's state by logical name, with secrets as the engine keeps them. */
export async function stateOf(project: TestProject): Promise<Readonly<Record<string, JsonObject>>> {
  // The CLI prints JSON.
  const state = JSON.parse(await succeed(pulumi(project, "stack", "export"))) as JsonObject;
  const resources = listAt(state, "deployment", "resources").filter(isObject);
  return Object.fromEntries(
    resources.map((resource) => [(textAt(resource, "urn") ?? "").split("::")[3] ?? "", resource]),
  );
}

/** Everything that the engine wrote to its state folder, as one text. */
export function stateFiles({ engine }: TestProject): string {
  const folder = (engine.environment.PULUMI_BACKEND_URL ?? "").replace("file://", "");
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}
