/** Programs of the distribution that the proof of the training image needs. They come as packages, so nothing is downloaded here. */
import { findOnPath } from "../path-lookup.ts";

/** Program and the Debian package that brings it. */
const packages = { runc: "runc", mmdebstrap: "mmdebstrap", "docker-registry": "docker-registry", git: "git" } as const;

/** Paths of the programs, by name. */
export type BuilderPrograms = Readonly<Record<keyof typeof packages, string>>;

/**
 * Finds the programs.
 *
 * @throws Error naming every package that is missing, and the command that installs them
 */
export function findBuilderPrograms(searchPath: string = process.env.PATH ?? ""): BuilderPrograms {
  const names = Object.keys(packages) as (keyof typeof packages)[];
  const found = names.map((name) => [name, findOnPath(name, searchPath)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => packages[name]);
  if (missing.length > 0)
    throw new Error(
      `building an image needs ${missing.join(", ")}; on Debian and Ubuntu: apt-get install --no-install-recommends ${missing.join(" ")}`,
    );
  return Object.fromEntries(found) as BuilderPrograms;
}
