/**
 * `node tools/requirements.ts`: the training image's requirement locks, resolved by uv from `training.in`. Versions that a lock has
 * stay as they are, unless `--upgrade` is given.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run } from "./processes.ts";
import { ensurePythonPrograms } from "./python/programs.ts";

/** Folder of the requirements and their locks. */
export const requirementsFolder = join(import.meta.dirname, "..", "images", "training", "requirements");

/** Processor architectures in the words of `uname -m`. */
export type Machine = "aarch64" | "x86_64";

/** Which interpreter and machine a lock is for. */
export interface LockTarget {
  readonly python: string;
  readonly machine: Machine;
}

/** The locks that are kept: both official images of MindSpeed-MM are for aarch64. */
export const keptLocks: readonly LockTarget[] = [
  { python: "3.10", machine: "aarch64" },
  { python: "3.11", machine: "aarch64" },
];

/** File name of a lock; the image's build looks for it by the same rule. */
export const lockName = ({ python, machine }: LockTarget): string => `python${python}-${machine}.txt`;

/**
 * Arguments of uv, relative to the requirements folder.
 *
 * @param output file that is read for the versions in use, then written
 * @param indexes further package indexes; x86_64 needs PyTorch's own one for processors, for torch_npu asks for `torch+cpu` there
 */
export function lockArguments(
  { python, machine }: LockTarget,
  output: string,
  options: { readonly upgrade?: boolean; readonly indexes?: readonly string[] } = {},
): readonly string[] {
  return [
    ...["pip", "compile", "--quiet", "--generate-hashes", "--python-version", python],
    // The C library of the images, and the oldest that torch 2.7.1 has wheels for.
    ...["--python-platform", `${machine}-manylinux_2_28`],
    ...["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "node tools/requirements.ts"],
    ...(options.indexes ?? []).flatMap((index) => ["--index", index]),
    ...(options.upgrade === true ? ["--upgrade"] : []),
    ...["--output-file", output, "training.in"],
  ];
}

/**
 * Resolves one lock.
 *
 * @throws Error with uv's explanation when there is no solution
 */
export async function resolveLock(
  target: LockTarget,
  output: string,
  options: Parameters<typeof lockArguments>[2] = {},
): Promise<void> {
  const { uv } = await ensurePythonPrograms();
  const { PIP_FIND_LINKS: _links, UV_FIND_LINKS: _more, ...environment } = process.env;
  const { code, stderr } = await run(uv, lockArguments(target, output, options), {
    folder: requirementsFolder,
    environment,
  });
  if (code !== 0) throw new Error(`${lockName(target)}: uv ended with ${code}: ${stderr.trim()}`);
}

/** Packages of a lock with the hashes of their files. */
function packagesOf(lock: string): ReadonlyMap<string, ReadonlySet<string>> {
  const packages = new Map<string, Set<string>>();
  let hashes = new Set<string>();
  for (const line of lock.split("\n")) {
    const name = /^([A-Za-z0-9][^\s=]*==[^\s\\;]+)/.exec(line)?.[1];
    if (name !== undefined) {
      hashes = new Set();
      packages.set(name, hashes);
    }
    const hash = /--hash=(sha256:[0-9a-f]{64})/.exec(line)?.[1];
    if (hash !== undefined) hashes.add(hash);
  }
  return packages;
}

/**
 * What is wrong with a kept lock: packages that a fresh resolution adds or leaves out, and files that are not published any more.
 * A file that was added to a release later is no fault of the lock.
 */
export function lockProblems(kept: string, resolved: string): readonly string[] {
  const [keptPackages, resolvedPackages] = [packagesOf(kept), packagesOf(resolved)];
  const missing = [...resolvedPackages.keys()].filter((name) => !keptPackages.has(name));
  const stale = [...keptPackages].flatMap(([name, hashes]) => {
    const published = resolvedPackages.get(name);
    if (published === undefined) return [`${name} is not needed any more`];
    return [...hashes].filter((hash) => !published.has(hash)).map((hash) => `${name}: no file has ${hash} any more`);
  });
  const bare = [...keptPackages].filter(([, hashes]) => hashes.size === 0).map(([name]) => `${name} has no hash`);
  return [...missing.map((name) => `${name} is missing`), ...stale, ...bare];
}

/** Resolves a lock again beside the kept one; returns both texts. */
export async function resolveAgain(target: LockTarget): Promise<{ readonly kept: string; readonly resolved: string }> {
  const folder = mkdtempSync(join(tmpdir(), "ascend-lock-"));
  try {
    const kept = join(requirementsFolder, lockName(target));
    const copy = join(folder, lockName(target));
    if (existsSync(kept)) copyFileSync(kept, copy);
    await resolveLock(target, copy);
    return { kept: existsSync(kept) ? readFileSync(kept, "utf8") : "", resolved: readFileSync(copy, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const usage = `usage: node tools/requirements.ts [--check] [--upgrade] [--machine aarch64|x86_64] [--python 3.10|3.11] [--index URL]
  --check    compare the kept locks with a fresh resolution and write nothing
  --upgrade  take the newest versions that the requirements allow
  --machine, --python, --index  another lock than the kept ones, e.g. x86_64 with PyTorch's index for processors
`;

function parse() {
  try {
    return parseArgs({
      options: {
        check: { type: "boolean" },
        upgrade: { type: "boolean" },
        machine: { type: "string" },
        python: { type: "string" },
        index: { type: "string", multiple: true },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`requirements: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const values = parse();
  if (values === undefined) return 1;
  const { machine = "aarch64", python } = values;
  if (machine !== "aarch64" && machine !== "x86_64") {
    process.stderr.write(`requirements: machine is aarch64 or x86_64, not ${machine}\n${usage}`);
    return 1;
  }
  const targets = keptLocks
    .map((target): LockTarget => ({ ...target, machine }))
    .filter((target) => python === undefined || target.python === python);
  for (const target of targets) {
    if (values.check === true) {
      const { kept, resolved } = await resolveAgain(target);
      const problems = lockProblems(kept, resolved);
      for (const problem of problems) process.stderr.write(`${lockName(target)}: ${problem}\n`);
      if (problems.length > 0) {
        process.stderr.write("to renew the locks, run: node tools/requirements.ts\n");
        return 1;
      }
    } else {
      await resolveLock(target, join(requirementsFolder, lockName(target)), {
        upgrade: values.upgrade === true,
        indexes: values.index ?? [],
      });
    }
    process.stdout.write(`${lockName(target)}\n`);
  }
  return 0;
}

if (import.meta.main) process.exitCode = await main();
