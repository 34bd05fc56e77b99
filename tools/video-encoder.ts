/**
 * A real video encoder for tests: ffmpeg on PATH, else a pinned build from the npm registry, kept in the tools cache. No product
 * of this project needs it.
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { cacheRoot, finish, readNote, removeDeadWork, toolFolder, workFolder } from "./cache.ts";
import { ToolError } from "./ensure.ts";
import { withLock } from "./lock.ts";
import { type CommandResult, run } from "./processes.ts";

/** One platform's build: version of its package, and the registry's own checksum of the archive. */
interface EncoderPackage {
  readonly version: string;
  readonly integrity: string;
}

/** Packages `@ffmpeg-installer/<platform>`, each with the program `ffmpeg` in it. */
const packages: Readonly<Record<string, EncoderPackage>> = {
  "linux-x64": {
    version: "4.1.0",
    integrity: "sha512-Y5BWhGLU/WpQjOArNIgXD3z5mxxdV8c41C+U15nsE5yF8tVcdCGet5zPs5Zy3Ta6bU7haGpIzryutqCGQA/W8A==",
  },
  "linux-arm64": {
    version: "4.1.4",
    integrity: "sha512-dljEqAOD0oIM6O6DxBW9US/FkvqvQwgJ2lGHOwHDDwu/pX8+V0YsDL1xqHbj1DMX/+nP9rxw7G7gcUvGspSoKg==",
  },
  "darwin-x64": {
    version: "4.1.0",
    integrity: "sha512-Z4EyG3cIFjdhlY8wI9aLUXuH8nVt7E9SlMVZtWvSPnm2sm37/yC2CwjUzyCQbJbySnef1tQwGG2Sx+uWhd9IAw==",
  },
  "darwin-arm64": {
    version: "4.1.5",
    integrity: "sha512-hYqTiP63mXz7wSQfuqfFwfLOfwwFChUedeCVKkBtl/cliaTM7/ePI9bVzfZ2c+dWu3TqCwLDRWNSJ5pqZl8otA==",
  },
};

const remedy = "install ffmpeg, or npm with a way to a registry";

async function must(program: string, words: readonly string[], folder: string): Promise<CommandResult> {
  const result = await run(program, words, { folder });
  if (result.code !== 0)
    throw new ToolError(`the video encoder cannot be had: ${program}: ${result.stderr.trim()}; to go on: ${remedy}`);
  return result;
}

async function isOnPath(): Promise<boolean> {
  try {
    return (await run("ffmpeg", ["-version"])).code === 0;
  } catch {
    return false;
  }
}

async function install(name: string, { version, integrity }: EncoderPackage, folder: string): Promise<void> {
  removeDeadWork(folder);
  const started = Date.now();
  const work = workFolder(folder);
  try {
    await must("npm", ["pack", "--silent", `@ffmpeg-installer/${name}@${version}`], work);
    const archive = join(work, readdirSync(work).find((file) => file.endsWith(".tgz")) ?? "");
    const sum = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (sum !== integrity) throw new ToolError(`the video encoder's archive has a wrong checksum: ${sum}`);
    await must("tar", ["-xzf", archive, "package/ffmpeg"], work);
    mkdirSync(join(work, "bin"));
    renameSync(join(work, "package", "ffmpeg"), join(work, "bin", "ffmpeg"));
    chmodSync(join(work, "bin", "ffmpeg"), 0o755);
    rmSync(archive);
    rmSync(join(work, "package"), { recursive: true });
    const seconds = Math.round((Date.now() - started) / 100) / 10;
    finish(work, folder, { name: "ffmpeg", version, way: "release", seconds });
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Path of an ffmpeg that can write mp4, mov, avi and mkv with its own MPEG-4 encoder.
 *
 * @throws ToolError when there is none and none can be had
 */
export async function videoEncoder(root: string = cacheRoot()): Promise<string> {
  if (await isOnPath()) return "ffmpeg";
  const name = `${platform()}-${arch()}`;
  const build = packages[name];
  if (build === undefined) throw new ToolError(`there is no pinned video encoder for ${name}; to go on: ${remedy}`);
  const folder = toolFolder(root, "ffmpeg", build.version);
  mkdirSync(dirname(folder), { recursive: true });
  await withLock(
    `${folder}.lock`,
    async () => {
      if (readNote(folder) === undefined) await install(name, build, folder);
    },
    () => undefined,
  );
  return join(folder, "bin", "ffmpeg");
}
