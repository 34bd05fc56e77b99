/** Says what is missing from a prepared folder, or is not what the stack lock and the requirement lock name. */
import { bundleListName } from "./build-files.ts";
import type { Versions } from "./versions.ts";

/** What a prepared folder holds; read from the disk by the caller. */
export interface BundleFacts {
  /** SHA-256 of each file by its path in the folder. */
  readonly hashes: Readonly<Record<string, string>>;
  /** The folder's own list, if there is one. */
  readonly list: string | undefined;
  /** Commit that each prepared repository holds, by its name. */
  readonly commits: Readonly<Record<string, string>>;
  /** Text of the requirement lock. */
  readonly lock: string;
  /** Digest of the base image that the stack lock or the stack names, if known. */
  readonly baseDigest: string | undefined;
}

/** A package of a lock and the hashes of its files. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly hashes: readonly string[];
}

/** Packages of a requirement lock. */
export function lockedPackages(lock: string): readonly LockedPackage[] {
  const packages: { name: string; version: string; hashes: string[] }[] = [];
  for (const line of lock.split("\n")) {
    const found = /^([A-Za-z0-9][\w.-]*)==([^\s\\;]+)/.exec(line);
    if (found?.[1] !== undefined && found[2] !== undefined)
      packages.push({ name: found[1], version: found[2], hashes: [] });
    const hash = /--hash=sha256:([0-9a-f]{64})/.exec(line)?.[1];
    if (hash !== undefined) packages.at(-1)?.hashes.push(hash);
  }
  return packages;
}

/** Text of the list: a hash and a path a line, sorted, as `sha256sum --check` reads it. */
export const listText = (hashes: BundleFacts["hashes"]): string =>
  Object.entries(hashes)
    .filter(([path]) => path !== bundleListName)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([path, hash]) => `${hash}  ${path}\n`)
    .join("");

function listProblems({ hashes, list }: BundleFacts): readonly string[] {
  if (list === undefined) return [`${bundleListName} is missing: the folder was not completed`];
  const listed = new Map(
    list.split("\n").flatMap((line) => {
      const [hash, path] = line.split("  ");
      return hash === undefined || path === undefined ? [] : [[path, hash] as const];
    }),
  );
  const changed = [...listed].flatMap(([path, hash]) => {
    if (hashes[path] === undefined) return [`${path} is missing`];
    return hashes[path] === hash ? [] : [`${path} has changed since the folder was made`];
  });
  const added = Object.keys(hashes).filter((path) => path !== bundleListName && !listed.has(path));
  return [...changed, ...added.map((path) => `${path} is not in ${bundleListName}`)];
}

function sourceProblems({ commits }: BundleFacts, { stack }: Versions): readonly string[] {
  const wanted = {
    "mindspeed-mm": stack.mindspeedMm.commit,
    mindspeed: stack.mindspeed.commit,
    megatron: stack.megatron.commit,
    decord: stack.decord.commit,
  };
  return Object.entries(wanted).flatMap(([name, commit]) => {
    const found = commits[name];
    if (found === undefined) return [`git/${name}.git is missing`];
    return found === commit ? [] : [`git/${name}.git holds ${found}; the stack lock names ${commit}`];
  });
}

function fileProblems({ hashes }: BundleFacts, { stack }: Versions): readonly string[] {
  const path = `files/ffmpeg-${stack.ffmpeg.version}.tar.bz2`;
  if (hashes[path] === undefined) return [`${path} is missing`];
  return hashes[path] === stack.ffmpeg.sha256 ? [] : [`${path} is not the archive that the stack lock names`];
}

function wheelProblems({ hashes, lock }: BundleFacts): readonly string[] {
  const present = new Set(
    Object.entries(hashes)
      .filter(([path]) => path.startsWith("wheels/"))
      .map(([, hash]) => hash),
  );
  return lockedPackages(lock)
    .filter((locked) => !locked.hashes.some((hash) => present.has(hash)))
    .map(({ name, version }) => `wheels: no file of ${name} ${version}`);
}

function baseProblems({ hashes, baseDigest }: BundleFacts): readonly string[] {
  if (hashes["base/index.json"] === undefined) return ["base: the CANN base image is missing"];
  if (baseDigest === undefined) return [];
  // A layout of one platform names that platform's manifest; one of all platforms names the index itself.
  const blob = `base/blobs/sha256/${baseDigest.replace("sha256:", "")}`;
  return hashes[blob] === undefined || hashes[blob] === baseDigest.replace("sha256:", "")
    ? []
    : [`${blob} is not what its name says`];
}

/** Every problem; empty when a build can do without a network. */
export const bundleProblems = (facts: BundleFacts, versions: Versions): readonly string[] => [
  ...listProblems(facts),
  ...sourceProblems(facts, versions),
  ...fileProblems(facts, versions),
  ...wheelProblems(facts),
  ...baseProblems(facts),
];
