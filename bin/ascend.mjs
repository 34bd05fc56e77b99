#!/usr/bin/env node
// Plain JavaScript on purpose: it must start under any Node, to say which one is needed or to go on under the pinned one.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestMajor = 24;
const project = dirname(dirname(fileURLToPath(import.meta.url)));

/** The Node of the tools cache, if it has been installed there. */
function cachedNode() {
  const version = readFileSync(join(project, ".node-version"), "utf8").trim();
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const node = join(cache, "ascend-stacks", "tools", "node", version, "bin", "node");
  return existsSync(node) ? node : undefined;
}

if (Number(process.versions.node.split(".")[0]) >= oldestMajor) {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  const { main } = await import("../src/cli/main.ts");
  process.exitCode = await main(process.argv.slice(2), project);
} else {
  const node = cachedNode();
  if (node === undefined) {
    console.error(
      `ascend: Node ${process.versions.node} is too old; install Node ${oldestMajor} or newer, or run "sh tools/bootstrap.sh" in ${project} to put the pinned one into the tools cache.`,
    );
    process.exitCode = 1;
  } else {
    const result = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
    if (result.signal !== null) process.kill(process.pid, result.signal);
    process.exitCode = result.status ?? 1;
  }
}
