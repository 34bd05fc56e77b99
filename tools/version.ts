/** Versions of programs: read from what they print, compared with what is pinned. */
import type { VersionFit } from "./manifest.ts";

/** Major, minor and patch. */
export type Version = readonly [number, number, number];

/** The first version number in a text, e.g. in `Kubernetes v1.36.1` or `go version go1.26.8 linux/amd64`. */
export function versionIn(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
}

/** Whether a text names a version that came before its release, e.g. `v1.36.1-rc.0`; builders' own marks such as `+k3s1` are none. */
export const isPreliminary = (text: string): boolean => /\d-(?:alpha|beta|rc|dev)\b/i.test(text);

/** Negative, zero or positive as `left` is older than, equal to or newer than `right`. */
export function compareVersions(left: Version, right: Version): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** Whether a found version can stand in for the pinned one. */
export function fits(found: Version, pinned: Version, fit: VersionFit): boolean {
  if (found[0] !== pinned[0] || compareVersions(found, pinned) < 0) return false;
  return fit === "same-major" || found[1] === pinned[1];
}
