/** A BuildKit daemon and a registry of its own, on the loopback address, for one test: real programs, thrown away at the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureTools, programOf } from "../ensure.ts";
import { type CommandResult, run } from "../processes.ts";
import { type BuildRequest, buildArguments } from "./build-arguments.ts";
import { findBuilderPrograms } from "./programs.ts";

/** A running builder. */
export interface Builder {
  /** Host and port of the registry; it speaks plain HTTP. */
  readonly registry: string;
  /** Path of buildctl. */
  readonly buildctl: string;
  /** Builds and returns the image's digest. */
  readonly build: (request: BuildRequest) => Promise<string>;
  /** The same without an opinion about failure. */
  readonly tryBuild: (request: BuildRequest) => Promise<CommandResult>;
  readonly stop: () => Promise<void>;
}

/** How long a daemon may take to answer. */
const startMilliseconds = 30_000;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

interface Daemon {
  readonly child: ChildProcess;
  readonly log: string;
}

function start(name: string, folder: string, program: string, words: readonly string[]): Daemon {
  const log = join(folder, `${name}.log`);
  const file = openSync(log, "w");
  const child = spawn(program, [...words], { stdio: ["ignore", file, file] });
  closeSync(file);
  return { child, log };
}

async function waitFor(name: string, { child, log }: Daemon, answers: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + startMilliseconds;
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const words = readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n");
      throw new Error(`${name} does not answer; it must run as root and needs runc. Its last words:\n${words}`);
    }
    await sleep(100);
  }
}

async function stop({ child }: Daemon): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await Promise.race([ended, sleep(15_000)]);
  if (child.exitCode === null) child.kill("SIGKILL");
}

const registryFile = (folder: string, address: string): string => `version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: ${join(folder, "registry")} } }
http: { addr: ${address} }
`;

/**
 * Starts a registry and a BuildKit daemon below a folder.
 *
 * @throws Error with the daemon's last words, or naming what has to be installed
 */
export async function startBuilder(folder: string): Promise<Builder> {
  const programs = findBuilderPrograms();
  const tools = await ensureTools(["buildkit"]);
  mkdirSync(folder, { recursive: true });
  const registry = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(folder, "registry.yml"), registryFile(folder, registry));
  writeFileSync(join(folder, "buildkitd.toml"), `[registry."${registry}"]\n  http = true\n`);
  const address = `unix://${join(folder, "buildkit.sock")}`;
  const buildctl = programOf(tools, "buildctl");
  const daemons = [
    start("docker-registry", folder, programs["docker-registry"], ["serve", join(folder, "registry.yml")]),
    start("buildkitd", folder, programOf(tools, "buildkitd"), [
      ...["--config", join(folder, "buildkitd.toml"), "--root", join(folder, "buildkit"), "--addr", address],
      ...["--oci-worker-binary", programs.runc, "--oci-worker-snapshotter", "overlayfs"],
    ]),
  ] as const;
  const stopAll = async (): Promise<void> => {
    for (const daemon of daemons) await stop(daemon);
  };
  const environment = { ...process.env, BUILDKIT_HOST: address };
  try {
    const isAnswering = async (): Promise<boolean> =>
      fetch(`http://${registry}/v2/`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await waitFor("docker-registry", daemons[0], isAnswering);
    await waitFor(
      "buildkitd",
      daemons[1],
      async () => (await run(buildctl, ["debug", "workers"], { environment })).code === 0,
    );
  } catch (error) {
    await stopAll();
    throw error;
  }
  const tryBuild = (request: BuildRequest): Promise<CommandResult> =>
    run(buildctl, buildArguments(request), { environment });
  const build = async (request: BuildRequest): Promise<string> => {
    const metadataFile = join(folder, "metadata.json");
    const { code, stderr, stdout } = await tryBuild({ ...request, metadataFile });
    if (code !== 0) throw new Error(`buildctl ended with ${code}\n${stdout}\n${stderr}`.slice(-8000));
    // Written by buildctl; the key is there whenever an image was exported.
    const metadata = JSON.parse(readFileSync(metadataFile, "utf8")) as Readonly<Record<string, string>>;
    return metadata["containerimage.digest"] ?? "";
  };
  return { registry, buildctl, build, tryBuild, stop: stopAll };
}
