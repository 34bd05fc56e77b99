/** `ascend bundle <folder>`: everything that a build needs from outside, as one folder for networks that have no outside. */
import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { bundleListName } from "../images/build-files.ts";
import { type BundleFacts, bundleProblems, listText } from "../images/bundle-check.ts";
import {
  type BundlePart,
  type BundleRequest,
  type BundleStep,
  bundleParts,
  bundleSteps,
  decordSubmodules,
  type GitSource,
  gitSources,
  gitStep,
  pinnedReference,
} from "../images/bundle-plan.ts";
import { baseReference, findBase } from "../images/image-plan.ts";
import { registryTools } from "../images/image-tools.ts";
import { providerVersions } from "../images/provider-versions.ts";
import { imagesFolder, readVersions, type Versions } from "../images/versions.ts";
import { UsageError } from "./arguments.ts";
import { isThere, mustRun, runProgram } from "./external-program.ts";
import type { Terminal } from "./terminal.ts";

const usage =
  "usage: ascend bundle <folder> [--check] [--only git,files,wheels,base,tools,plugins] [--chip 910b|a3] [--os …] [--python 3.10|3.11] [--machine aarch64|x86_64] [--base repo@sha256:…] [--git-host <address>]…";

const options = {
  check: { type: "boolean" },
  only: { type: "string" },
  chip: { type: "string", default: "910b" },
  os: { type: "string" },
  python: { type: "string" },
  machine: { type: "string", default: "aarch64" },
  base: { type: "string" },
  "git-host": { type: "string", multiple: true },
} as const;

/** Where the sources are published. */
const gitHosts = ["https://gitcode.com", "https://github.com"];

interface Call {
  readonly request: BundleRequest;
  readonly parts: readonly BundlePart[];
  readonly projectFolder: string;
  readonly terminal: Terminal;
}

const parse = (words: readonly string[]) =>
  parseArgs({ args: [...words], allowPositionals: true, strict: true, options });

function oneOf<Name extends string>(name: string, value: string, allowed: readonly Name[]): Name {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`--${name} is one of ${allowed.join(", ")}; got ${value}; ${usage}`);
  return found;
}

/** The provider of Kubernetes objects that the project is pinned to. */
function kubernetesProvider(projectFolder: string): string {
  const file: unknown = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  const version = (file as { dependencies?: Readonly<Record<string, string>> }).dependencies?.["@pulumi/kubernetes"];
  if (version === undefined) throw new UsageError(`${projectFolder}/package.json names no @pulumi/kubernetes`);
  return version;
}

function requestOf(
  values: ReturnType<typeof parse>["values"],
  folder: string,
  versions: Versions,
  projectFolder: string,
): BundleRequest {
  const python = values.python ?? versions.stack.python;
  const machine = oneOf("machine", values.machine ?? "aarch64", ["aarch64", "x86_64"]);
  const lock = join(imagesFolder, "training", "requirements", `python${python}-${machine}.txt`);
  if (!existsSync(lock))
    throw new UsageError(
      `there is no requirement lock for Python ${python} on ${machine}; docs/images.md says how to make one`,
    );
  const known = findBase(versions, values.chip ?? "910b", values.os ?? versions.stack.os, python);
  return {
    folder,
    versions,
    python,
    machine,
    lock,
    gitHosts: values["git-host"] ?? gitHosts,
    base: values.base ?? baseReference(versions, known),
    plugins: { kubernetes: kubernetesProvider(projectFolder), ...providerVersions },
    registryTool: registryTools.find((tool) => isThere(tool)),
  };
}

function carryOut({ title, produces, attempts, environment }: BundleStep, { request, terminal }: Call): void {
  if (existsSync(join(request.folder, produces))) {
    terminal.print(`${title}: there already\n`);
    return;
  }
  const reasons: string[] = [];
  for (const words of attempts) {
    const { code, errors } = runProgram(words, environment === undefined ? {} : { environment });
    if (code === 0) {
      terminal.print(`${title}: done\n`);
      return;
    }
    reasons.push(`${words[0]} ended with ${code}: ${errors.trim().split("\n").at(-1)}`);
  }
  throw new UsageError(`${title} cannot be had: ${reasons.join("; ")}`);
}

const repositoryOf = (folder: string, name: string): string => join(folder, "git", `${name}.git`);

function takeSource(source: GitSource, call: Call): void {
  const repository = repositoryOf(call.request.folder, source.name);
  if (!existsSync(repository))
    mustRun(["git", "init", "--quiet", "--bare", "--initial-branch=pinned", repository], `preparing ${source.name}`);
  carryOut(gitStep(source, call.request.folder, call.request.gitHosts), call);
}

/** Submodules of decord: their commits and addresses stand in its tree. */
function submodules(call: Call): readonly GitSource[] {
  const repository = repositoryOf(call.request.folder, "decord");
  const git = (...words: readonly string[]): string =>
    mustRun(["git", "-C", repository, ...words], "reading decord's submodules").trim();
  return decordSubmodules.flatMap((path) => {
    const commit = /commit ([0-9a-f]{40})/.exec(git("ls-tree", pinnedReference, path))?.[1];
    if (commit === undefined) return [];
    const url = git("config", "--blob", `${pinnedReference}:.gitmodules`, `submodule.${path}.url`);
    const address = /([^/:]+\/[^/]+?)(\.git)?$/.exec(url)?.[1] ?? "";
    return [{ name: path.slice(path.lastIndexOf("/") + 1), repository: address, commit }];
  });
}

function takeSources(call: Call): void {
  for (const source of gitSources(call.request.versions)) takeSource(source, call);
  for (const source of submodules(call)) takeSource(source, call);
}

/** Programs of the tools cache, installed by the project's own installer. */
function takeTools({ request, projectFolder, terminal }: Call): void {
  const output = mustRun(
    [process.execPath, join(projectFolder, "tools", "install.ts"), "--json"],
    "installing the tools",
    { isShown: true },
  );
  const installed = JSON.parse(output) as readonly { name: string; version: string; folder: string }[];
  for (const { name, version, folder } of installed) {
    const target = join(request.folder, "tools", name, version);
    if (!existsSync(target)) cpSync(folder, target, { recursive: true, dereference: true });
    terminal.print(`tool ${name} ${version}: done\n`);
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

async function hashesIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  const hashes: Record<string, string> = {};
  for (const path of paths.toSorted()) hashes[path] = await hashOf(join(folder, path));
  return hashes;
}

/** The commit that a prepared repository holds; nothing when git finds it damaged. */
function commitOf(folder: string, name: string): string | undefined {
  const repository = repositoryOf(folder, name);
  if (!existsSync(repository)) return undefined;
  const { code, output } = runProgram(["git", "-C", repository, "rev-parse", "--verify", pinnedReference]);
  if (code !== 0) return undefined;
  const isWhole = runProgram(["git", "-C", repository, "fsck", "--no-dangling", "--connectivity-only"]).code === 0;
  return isWhole ? output.trim() : undefined;
}

async function factsOf({ folder, versions, lock, base }: BundleRequest): Promise<BundleFacts> {
  const list = join(folder, bundleListName);
  const commits = gitSources(versions).flatMap(({ name }) => {
    const commit = commitOf(folder, name);
    return commit === undefined ? [] : [[name, commit] as const];
  });
  return {
    hashes: await hashesIn(folder),
    list: existsSync(list) ? readFileSync(list, "utf8") : undefined,
    commits: Object.fromEntries(commits),
    lock: readFileSync(lock, "utf8"),
    baseDigest: base?.slice(base.indexOf("sha256:")),
  };
}

async function check({ request, terminal }: Call): Promise<number> {
  if (!existsSync(request.folder)) throw new UsageError(`there is no folder ${request.folder}`);
  const problems = bundleProblems(await factsOf(request), request.versions);
  for (const problem of problems) terminal.printError(`${problem}\n`);
  if (problems.length > 0) return 1;
  terminal.print(`${request.folder}: complete and unchanged\n`);
  return 0;
}

async function prepare(call: Call): Promise<number> {
  const { request, parts, terminal } = call;
  for (const name of ["git", "files", "wheels"]) mkdirSync(join(request.folder, name), { recursive: true });
  if (parts.includes("base") && request.base === undefined)
    throw new UsageError("the digest of the base image is not known; run: ascend image resolve, or give --base");
  if (parts.includes("base") && request.registryTool === undefined)
    throw new UsageError(`fetching the base image needs ${registryTools.join(" or ")}, which is not on PATH`);
  if (parts.includes("git")) takeSources(call);
  for (const step of bundleSteps(request)) if (step.part !== "git" && parts.includes(step.part)) carryOut(step, call);
  if (parts.includes("tools")) takeTools(call);
  writeFileSync(join(request.folder, bundleListName), listText(await hashesIn(request.folder)));
  terminal.print(
    `${request.folder}: ${bundleListName} written; verify it with: ascend bundle ${request.folder} --check\n`,
  );
  return 0;
}

/** Runs the command; returns the exit code. */
export async function bundleCommand(
  words: readonly string[],
  projectFolder: string,
  terminal: Terminal,
): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(words);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${usage}`);
  }
  const [folder, ...rest] = parsed.positionals;
  if (folder === undefined || rest.length > 0) throw new UsageError(`name one folder; ${usage}`);
  const parts = (parsed.values.only?.split(",") ?? bundleParts).map((name) => oneOf("only", name, bundleParts));
  const call: Call = {
    request: requestOf(parsed.values, resolve(folder), readVersions(), projectFolder),
    parts,
    projectFolder,
    terminal,
  };
  return parsed.values.check === true ? check(call) : prepare(call);
}
