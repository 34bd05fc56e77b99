/** Runs a program in an unpacked image as a pod of this project would: as its user, read-only, without capabilities or network. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, run } from "../processes.ts";
import { findBuilderPrograms } from "./programs.ts";
import type { ImageConfiguration } from "./pull-image.ts";

const systemMounts = [
  { destination: "/proc", type: "proc", source: "proc" },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
  { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1777"] },
];

const maskedPaths = ["/proc/kcore", "/proc/keys", "/sys/firmware"];

/** The container's description in the form of the OCI runtime specification. */
export function containerDescription(
  configuration: ImageConfiguration,
  root: string,
  words: readonly string[],
): Readonly<Record<string, unknown>> {
  const [uid = 0, gid = 0] = (configuration.User ?? "0:0").split(":").map(Number);
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid, gid },
      args: words,
      env: configuration.Env ?? [],
      cwd: configuration.WorkingDir ?? "/",
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], permitted: [] },
    },
    root: { path: root, readonly: true },
    mounts: systemMounts,
    linux: {
      namespaces: ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type })),
      maskedPaths,
    },
  };
}

/**
 * Runs a program and waits for its end.
 *
 * @param folder folder for the container's files
 * @param name name of the container, unique on the machine
 * @param words the program with its arguments; it takes the place of the image's entrypoint, as a pod's command does
 */
export async function runInImage(
  folder: string,
  name: string,
  configuration: ImageConfiguration,
  root: string,
  words: readonly string[],
): Promise<CommandResult> {
  const bundle = join(folder, name);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(containerDescription(configuration, root, words)));
  return run(findBuilderPrograms().runc, ["--root", join(folder, "runc"), "run", "--bundle", bundle, name]);
}
