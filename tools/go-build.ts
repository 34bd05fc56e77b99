/** Building tools from their Go modules. */
import { chmodSync, cpSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModuleBuild } from "./manifest.ts";
import { oldestGo } from "./manifest.ts";
import { run } from "./processes.ts";
import { compareVersions, type Version, versionIn } from "./version.ts";

/** Why a build did not work; the message is one line for users. */
export class BuildError extends Error {}

/** Arguments of `go build`: reproducible, without symbols, from the committed sums alone. */
export function buildArguments(build: ModuleBuild, outputFolder: string): readonly string[] {
  const variables = Object.entries(build.linkVariables).map(([name, value]) => `-X ${name}=${value}`);
  const linker = ["-s", "-w", ...variables].join(" ");
  return [
    "build",
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    "-ldflags",
    linker,
    "-o",
    `${outputFolder}/`,
    ...build.packages,
  ];
}

/** The first Go release that can fetch a newer one of itself. */
const firstSwitchingGo: Version = [1, 21, 0];

/** Whether this compiler may replace itself by the release that a module asks for; a setting of the user or of the distribution. */
async function canSwitch(found: Version, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (compareVersions(found, firstSwitchingGo) < 0) return false;
  const { stdout } = await run("go", ["env", "GOTOOLCHAIN"], { environment });
  return /auto|path/.test(stdout);
}

/**
 * Makes sure that there is a Go compiler.
 *
 * @throws BuildError saying what to install
 */
export async function requireGo(environment: NodeJS.ProcessEnv): Promise<void> {
  const { code, stdout } = await run("go", ["version"], { environment });
  const found = code === 0 ? versionIn(stdout) : undefined;
  const oldest = versionIn(oldestGo);
  if (found === undefined)
    throw new BuildError(`there is no Go compiler on PATH; install Go ${oldestGo} or newer from https://go.dev/dl`);
  if (oldest !== undefined && compareVersions(found, oldest) < 0 && !(await canSwitch(found, environment))) {
    throw new BuildError(`Go ${found.join(".")} is too old; install Go ${oldestGo} or newer from https://go.dev/dl`);
  }
}

/** A script that starts the real program with fixed arguments first. */
const wrapperScript = (program: string, fixed: readonly string[]): string =>
  `#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/../libexec/${program}" ${fixed.join(" ")} "$@"\n`;

async function copyAssets(
  build: ModuleBuild,
  folder: string,
  target: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  if (build.assets === undefined) return;
  const listed = await run("go", ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", build.assets.module], {
    folder,
    environment,
  });
  if (listed.code !== 0)
    throw new BuildError(`go list ${build.assets.module}: ${listed.stderr.trim().split("\n").at(-1)}`);
  cpSync(join(listed.stdout.trim(), build.assets.path), join(target, "assets", build.assets.name), { recursive: true });
}

/**
 * Builds one module into `<target>/bin`, with its assets in `<target>/assets`.
 *
 * @param modulesFolder folder that holds the module folders
 * @throws BuildError with the compiler's last words
 */
export async function buildModule(build: ModuleBuild, modulesFolder: string, target: string): Promise<void> {
  // The modules stand alone, also when the checkout lies inside a Go workspace.
  const environment = { ...process.env, CGO_ENABLED: "0", GOWORK: "off" };
  await requireGo(environment);
  const folder = join(modulesFolder, build.folder);
  const bin = join(target, "bin");
  mkdirSync(bin, { recursive: true });
  const { code, stderr } = await run("go", buildArguments(build, bin), { folder, environment });
  if (code !== 0) {
    const words = stderr
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("go: downloading"))
      .slice(-3);
    throw new BuildError(`go build in tools/modules/${build.folder}: ${words.join(" | ")}`);
  }
  await copyAssets(build, folder, target, environment);
  for (const [program, built] of Object.entries(build.builtAs ?? {})) renameSync(join(bin, built), join(bin, program));
  if (build.wrapper !== undefined) {
    const { program } = build.wrapper;
    mkdirSync(join(target, "libexec"), { recursive: true });
    renameSync(join(bin, program), join(target, "libexec", program));
    writeFileSync(join(bin, program), wrapperScript(program, build.wrapper.arguments));
    chmodSync(join(bin, program), 0o755);
  }
}
