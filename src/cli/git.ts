/** Stack files of another revision of the repository. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UsageError } from "./arguments.ts";

/** Output of one git command. */
function git(projectFolder: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("git", ["-C", projectFolder, ...words], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw new UsageError(`git cannot be started: ${error.message}; install git`);
  if (status !== 0) throw new UsageError(`git ${words[0]} ended with ${status}: ${stderr.trim().split("\n")[0]}`);
  return stdout;
}

/**
 * Writes the folder `stacks` of a revision, without generated files, into a temporary folder.
 *
 * @returns the temporary folder, to be used as a project folder and removed by the caller
 * @throws UsageError when git is missing or does not know the revision
 */
export function stacksOfRevision(projectFolder: string, revision: string): string {
  if (revision.startsWith("-")) throw new UsageError(`not a revision: ${revision}`);
  const prefix = git(projectFolder, ["rev-parse", "--show-prefix"]).trim();
  const commit = git(projectFolder, ["rev-parse", "--verify", "--quiet", `${revision}^{commit}`]).trim();
  const files = git(projectFolder, ["ls-tree", "-r", "--name-only", commit, "stacks/"])
    .split("\n")
    .filter((file) => /^stacks\/(Pulumi\.[^/]+|bases\/[^/]+)\.yaml$/.test(file));
  const folder = mkdtempSync(join(tmpdir(), "ascend-revision-"));
  mkdirSync(join(folder, "stacks"));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), git(projectFolder, ["show", `${commit}:${prefix}${file}`]));
  }
  return folder;
}
