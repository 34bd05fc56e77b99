/**
 * What a closed network needs, as a folder: `ascend bundle` carries these steps out where there is a network, and the build takes
 * the folder in place of Git hosts, package indexes and registries. Pure: the steps are data.
 *
 *   git/<name>.git      one commit of each source, as a bare repository
 *   files/              archives that are no Git source
 *   wheels/             every file of the requirement lock
 *   base/               the CANN base image, as an OCI layout
 *   tools/              programs of the tools cache
 *   pulumi/plugins/     providers of the engine
 *   SHA256SUMS          a hash of each file
 */
import { join } from "node:path";
import type { Versions } from "./versions.ts";

/** Parts that can be prepared one by one. */
export const bundleParts = ["git", "files", "wheels", "base", "tools", "plugins"] as const;

/** One of them. */
export type BundlePart = (typeof bundleParts)[number];

/** What to prepare. */
export interface BundleRequest {
  readonly folder: string;
  readonly versions: Versions;
  readonly python: string;
  readonly machine: "aarch64" | "x86_64";
  /** Git hosts or mirrors, tried in order. */
  readonly gitHosts: readonly string[];
  /** Path of the requirement lock. */
  readonly lock: string;
  /** Base image by digest; undefined when nobody has looked the digest up. */
  readonly base: string | undefined;
  /** Providers by name and version. */
  readonly plugins: Readonly<Record<string, string>>;
  /** Which of these programs the machine has. */
  readonly registryTool: "crane" | "skopeo" | undefined;
}

/** One command, and the file or folder that is there when it has been carried out. */
export interface BundleStep {
  readonly part: BundlePart;
  readonly title: string;
  /** Relative to the bundle's folder; a step whose result is there is not repeated. */
  readonly produces: string;
  /** Tried in order until one succeeds. */
  readonly attempts: readonly (readonly string[])[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A source that is fetched by its commit. */
export interface GitSource {
  readonly name: string;
  readonly repository: string;
  readonly commit: string;
}

/** Sources whose commits the stack lock names. */
export const gitSources = ({ stack }: Versions): readonly GitSource[] => [
  { name: "mindspeed-mm", ...stack.mindspeedMm },
  { name: "mindspeed", ...stack.mindspeed },
  { name: "megatron", ...stack.megatron },
  { name: "decord", ...stack.decord },
];

/** Submodules of decord that its build needs; their commits stand in its tree. */
export const decordSubmodules = ["3rdparty/dlpack", "3rdparty/dmlc-core"] as const;

/** Name of the reference that keeps the one commit of a prepared repository. */
export const pinnedReference = "refs/heads/pinned";

/** Fetches one commit from each host in turn; Git checks it against its hash. */
export const gitStep = (
  { name, repository, commit }: GitSource,
  folder: string,
  hosts: readonly string[],
): BundleStep => ({
  part: "git",
  title: `${name} ${commit}`,
  produces: `git/${name}.git/refs/heads/pinned`,
  attempts: hosts.map((host) => [
    ...["git", "-C", join(folder, "git", `${name}.git`), "fetch", "--quiet", "--depth", "1"],
    ...[`${host}/${repository}.git`, `${commit}:${pinnedReference}`],
  ]),
});

/** Platform tags that wheels for a machine may carry; the newest first. */
const platformTags = (machine: string): readonly string[] =>
  ["manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014"].map(
    (name) => `${name}_${machine}`,
  );

function wheelStep({ folder, python, machine, lock }: BundleRequest): BundleStep {
  const abi = `cp${python.replace(".", "")}`;
  return {
    part: "wheels",
    title: `packages for Python ${python} on ${machine}`,
    // Written by the last step of the bundle; downloads that are there already are not repeated by pip itself.
    produces: "wheels/.complete",
    attempts: [
      [
        ...["python3", "-m", "pip", "download", "--require-hashes", "--no-deps", "--dest", join(folder, "wheels")],
        ...["--python-version", python, "--implementation", "cp", "--abi", abi, "--abi", "abi3", "--abi", "none"],
        ...[...platformTags(machine), "any"].flatMap((tag) => ["--platform", tag]),
        ...["--requirement", lock],
      ],
    ],
  };
}

/** Where an archive is fetched to; curl goes on where an earlier attempt stopped. */
function fileStep({ folder, versions }: BundleRequest): BundleStep {
  const { url, version } = versions.stack.ffmpeg;
  const file = `files/ffmpeg-${version}.tar.bz2`;
  const words = ["--fail", "--location", "--silent", "--show-error", "--output", join(folder, file)];
  return {
    part: "files",
    title: `FFmpeg ${version}`,
    produces: file,
    attempts: [
      ["curl", "--continue-at", "-", ...words, url],
      ["curl", ...words, url],
    ],
  };
}

function baseSteps({ folder, base, registryTool, machine }: BundleRequest): readonly BundleStep[] {
  if (base === undefined || registryTool === undefined) return [];
  const layout = join(folder, "base");
  const architecture = machine === "aarch64" ? "arm64" : "amd64";
  const words =
    registryTool === "crane"
      ? ["crane", "pull", "--format=oci", `--platform=linux/${architecture}`, base, layout]
      : [
          "skopeo",
          "copy",
          "--override-os=linux",
          `--override-arch=${architecture}`,
          `docker://${base}`,
          `oci:${layout}:cann`,
        ];
  return [{ part: "base", title: base, produces: "base/index.json", attempts: [words] }];
}

const pluginSteps = ({ folder, plugins }: BundleRequest): readonly BundleStep[] =>
  Object.entries(plugins).map(([name, version]) => ({
    part: "plugins",
    title: `provider ${name} ${version}`,
    produces: `pulumi/plugins/resource-${name}-v${version}`,
    attempts: [["pulumi", "plugin", "install", "resource", name, version]],
    environment: { PULUMI_HOME: join(folder, "pulumi"), PULUMI_SKIP_UPDATE_CHECK: "true" },
  }));

/** All steps but those of the tools, which the project's own installer carries out, and of submodules, which the trees name. */
export const bundleSteps = (request: BundleRequest): readonly BundleStep[] => [
  ...gitSources(request.versions).map((source) => gitStep(source, request.folder, request.gitHosts)),
  fileStep(request),
  wheelStep(request),
  ...baseSteps(request),
  ...pluginSteps(request),
];
