/**
 * Every external program that this project runs, pinned. Each is looked for on PATH, else downloaded as its official release,
 * else built from its Go module (`modules/<folder>`, with go.sum).
 */

/** Operating system and architecture in Go's words. */
export interface Platform {
  readonly system: "linux" | "darwin";
  readonly architecture: "amd64" | "arm64";
}

/** One file of an official release and where its checksum is published. */
export interface ReleaseFile {
  readonly url: string;
  /** Text file with SHA-256 sums: either the sum alone, or lines of sum and file name. */
  readonly checksumUrl: string;
  /** For an archive: the members to take, by their path in it. Without it the file is the program itself. */
  readonly members?: readonly string[];
  /** Name of the program when the file is not an archive. */
  readonly program?: string;
}

/** A Go module whose commands are built. */
export interface ModuleBuild {
  /** Folder below `tools/modules` with go.mod and go.sum. */
  readonly folder: string;
  readonly packages: readonly string[];
  /** Values set at link time, so that the programs tell their true version. */
  readonly linkVariables: Readonly<Record<string, string>>;
  /** Module whose folder holds files that are needed at run time, and which. */
  readonly assets?: { readonly module: string; readonly path: string; readonly name: string };
  /** Name under which the compiler leaves a program, where that is not the program's own. */
  readonly builtAs?: Readonly<Record<string, string>>;
  /** Fixed arguments before the user's own; the program becomes a script around the real one. */
  readonly wrapper?: { readonly program: string; readonly arguments: readonly string[] };
}

/** How close a version found on PATH must be to the pinned one. */
export type VersionFit =
  /** Same major and minor version, patch not older. */
  | "same-minor"
  /** Same major version, not older. */
  | "same-major";

/** Programs that belong together: same source, same version. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  readonly programs: readonly string[];
  /**
   * Arguments that make a program print its version. A program without an entry cannot tell it: such a one is taken only from the
   * folder of the first program, where both came from one installation.
   */
  readonly versionArguments: Readonly<Record<string, readonly string[]>>;
  readonly fit: VersionFit;
  readonly release?: (platform: Platform) => readonly ReleaseFile[];
  readonly modules: readonly ModuleBuild[];
  /** Files that programs of this tool read at run time; only the module way provides them. */
  readonly assets?: readonly string[];
  /** Only tests of what it controls need it; `make up` does not. */
  readonly isForTests?: boolean;
  /** What a user installs when no way works. */
  readonly remedy: string;
}

const kubernetesVersion = "1.36.1";
const kubernetesPrograms = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"] as const;
const pulumiVersion = "3.259.0";
const etcdVersion = "3.6.14";
const jobSetVersion = "0.11.0";
const helmVersion = "4.2.4";
const buildkitVersion = "0.31.1";

const etcdArchive = ({ system, architecture }: Platform): string => `etcd-v${etcdVersion}-${system}-${architecture}`;

const pulumiFile = ({ system, architecture }: Platform): string =>
  `pulumi-v${pulumiVersion}-${system}-${architecture === "amd64" ? "x64" : "arm64"}.tar.gz`;

/** The Go release that the newest of the modules asks for. */
export const oldestGo = "1.26.0";

/** All tools but Node, which `bootstrap.sh` brings because everything else runs on it. */
export const tools: readonly Tool[] = [
  {
    name: "etcd",
    version: etcdVersion,
    programs: ["etcd"],
    versionArguments: { etcd: ["--version"] },
    fit: "same-minor",
    // For macOS the project publishes zip files, which need another tool; there the module is built.
    release: (platform) =>
      platform.system === "linux"
        ? [
            {
              url: `https://github.com/etcd-io/etcd/releases/download/v${etcdVersion}/${etcdArchive(platform)}.tar.gz`,
              checksumUrl: `https://github.com/etcd-io/etcd/releases/download/v${etcdVersion}/SHA256SUMS`,
              members: [`${etcdArchive(platform)}/etcd`],
            },
          ]
        : [],
    modules: [
      { folder: "etcd", packages: ["go.etcd.io/etcd/server/v3"], linkVariables: {}, builtAs: { etcd: "server" } },
    ],
    remedy: `install etcd ${etcdVersion}`,
  },
  {
    name: "kubernetes",
    version: kubernetesVersion,
    programs: kubernetesPrograms,
    versionArguments: {
      "kube-apiserver": ["--version"],
      "kube-controller-manager": ["--version"],
      "kube-scheduler": ["--version"],
      kubectl: ["version", "--client"],
    },
    fit: "same-minor",
    release: ({ system, architecture }) =>
      system === "linux"
        ? kubernetesPrograms.map((program) => ({
            url: `https://dl.k8s.io/v${kubernetesVersion}/bin/${system}/${architecture}/${program}`,
            checksumUrl: `https://dl.k8s.io/v${kubernetesVersion}/bin/${system}/${architecture}/${program}.sha256`,
            program,
          }))
        : [],
    modules: [
      {
        folder: "kubernetes",
        packages: kubernetesPrograms.map((program) => `k8s.io/kubernetes/cmd/${program}`),
        linkVariables: {
          "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}`,
          "k8s.io/component-base/version.gitMajor": "1",
          "k8s.io/component-base/version.gitMinor": "36",
        },
      },
    ],
    remedy: `install the server programs of Kubernetes ${kubernetesVersion}`,
  },
  {
    name: "kwok",
    version: "0.8.0",
    programs: ["kwok"],
    versionArguments: { kwok: ["--version"] },
    fit: "same-minor",
    // Its definitions are read at run time and come with the module; a program found elsewhere lacks them. Its releases publish no
    // checksums (`hack/releases.sh` of the module uploads the programs alone), so none is downloaded.
    modules: [
      {
        folder: "kwok",
        packages: ["sigs.k8s.io/kwok/cmd/kwok"],
        linkVariables: {},
        assets: { module: "sigs.k8s.io/kwok", path: "kustomize/crd/bases", name: "definitions" },
      },
    ],
    assets: ["definitions"],
    remedy: "install Go, from which kwok is built",
  },
  {
    name: "jobset",
    version: jobSetVersion,
    programs: ["jobset"],
    versionArguments: {},
    fit: "same-minor",
    // The project publishes images and manifests, not programs.
    modules: [
      {
        folder: "jobset",
        packages: ["sigs.k8s.io/jobset"],
        linkVariables: { "sigs.k8s.io/jobset/pkg/version.GitVersion": `v${jobSetVersion}` },
        assets: { module: "sigs.k8s.io/jobset", path: "config/components", name: "components" },
      },
    ],
    assets: ["components"],
    isForTests: true,
    remedy: "install Go, from which the JobSet controller is built",
  },
  {
    name: "pulumi",
    version: pulumiVersion,
    programs: ["pulumi", "pulumi-language-nodejs"],
    versionArguments: { pulumi: ["version"] },
    fit: "same-major",
    release: (platform) => [
      {
        url: `https://github.com/pulumi/pulumi/releases/download/v${pulumiVersion}/${pulumiFile(platform)}`,
        checksumUrl: `https://github.com/pulumi/pulumi/releases/download/v${pulumiVersion}/pulumi-${pulumiVersion}-checksums.txt`,
        members: ["pulumi/pulumi", "pulumi/pulumi-language-nodejs"],
      },
    ],
    modules: [
      {
        folder: "pulumi",
        packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
        linkVariables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${pulumiVersion}` },
      },
      {
        folder: "pulumi-language-nodejs",
        packages: ["github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"],
        linkVariables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.68.0" },
        // This host takes the option as a flag, with a default of true; a current CLI passes options another way.
        wrapper: { program: "pulumi-language-nodejs", arguments: ["-typescript=false"] },
      },
    ],
    remedy: `install Pulumi ${pulumiVersion} with its Node.js language host`,
  },
  {
    name: "helm",
    version: helmVersion,
    programs: ["helm"],
    versionArguments: { helm: ["version", "--short"] },
    fit: "same-major",
    release: ({ system, architecture }) => {
      const url = `https://get.helm.sh/helm-v${helmVersion}-${system}-${architecture}.tar.gz`;
      return [{ url, checksumUrl: `${url}.sha256sum`, members: [`${system}-${architecture}/helm`] }];
    },
    modules: [
      {
        folder: "helm",
        packages: ["helm.sh/helm/v4/cmd/helm"],
        linkVariables: { "helm.sh/helm/v4/internal/version.version": `v${helmVersion}` },
      },
    ],
    remedy: `install Helm ${helmVersion}`,
  },
  {
    name: "buildkit",
    version: buildkitVersion,
    programs: ["buildkitd", "buildctl"],
    versionArguments: { buildkitd: ["--version"], buildctl: ["--version"] },
    fit: "same-major",
    // Its releases come with provenance documents instead of a file of checksums, so none is downloaded.
    modules: [
      {
        folder: "buildkit",
        packages: ["github.com/moby/buildkit/cmd/buildkitd", "github.com/moby/buildkit/cmd/buildctl"],
        linkVariables: { "github.com/moby/buildkit/version.Version": `v${buildkitVersion}` },
      },
    ],
    remedy: `install BuildKit ${buildkitVersion}`,
  },
];

/** The tool of that name. */
export function toolOf(name: string): Tool {
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}; known: ${tools.map((known) => known.name).join(", ")}`);
  return tool;
}
