/** The files of the image's build: which locks there are, and one hash over everything that goes into the image. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What the plan has to know of the build's files. */
export interface BuildFiles {
  /** Hash of the Dockerfile, its scripts, the locks, the runtime, and the list of a prepared folder. */
  readonly content: string;
  /** Names of the requirement locks. */
  readonly locks: readonly string[];
}

/** Name of the list of a prepared folder, with a hash of each file. */
export const bundleListName = "SHA256SUMS";

/** What the build's ignore file keeps out, and what may lie beside without being part of the build. */
const isLeftOut = (path: string): boolean =>
  /\.test\.ts$|__pycache__|^training\/sources\/|\.gitkeep$|\.gitignore$/.test(path);

/** Files below a folder of the build, by their path in it, sorted. */
export function buildFilesIn(images: string): readonly string[] {
  return ["training", "runtime"].flatMap((folder) =>
    readdirSync(join(images, folder), { recursive: true, encoding: "utf8" })
      .map((path) => `${folder}/${path}`)
      .filter((path) => !isLeftOut(path) && statSync(join(images, path)).isFile())
      .toSorted(),
  );
}

/**
 * Reads what the plan has to know.
 *
 * @param images folder `images` of the project
 * @param sources prepared folder, if any
 */
export function readBuildFiles(images: string, sources?: string): BuildFiles {
  const hash = createHash("sha256");
  for (const path of buildFilesIn(images))
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(images, path)))
      .update("\0");
  const list = sources === undefined ? undefined : join(sources, bundleListName);
  if (list !== undefined && existsSync(list)) hash.update(readFileSync(list));
  return {
    content: hash.digest("hex").slice(0, 12),
    locks: readdirSync(join(images, "training", "requirements")).filter((name) => /^python.*\.txt$/.test(name)),
  };
}
