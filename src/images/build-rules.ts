/** Rules of a build that need nothing but the stack file, the node's architecture and the names of the locks. */
import type { Diagnostic } from "../config/diagnostics.ts";
import type { Environment } from "../config/schema.ts";

type BuildSettings = NonNullable<Environment["image"]["build"]>;

/** What the rules look at beside the settings. */
export interface BuildFacts {
  readonly platforms: readonly string[];
  /** Architecture of the nodes, in Kubernetes' words. */
  readonly architecture: string;
  readonly python: string;
  /** Names of the requirement locks that exist. */
  readonly locks: readonly string[];
  /** Tag of the base image whose digest nobody has looked up. */
  readonly missingBase?: string;
}

/** The only prepared folder that a plain engine can see: it knows one context. */
export const plainSources = "images/training/sources";

/** Machine in the words of `uname -m`, as locks are named. */
export const machineOf = (platform: string): string => (platform.endsWith("arm64") ? "aarch64" : "x86_64");

const at = (...keys: readonly string[]): readonly string[] => ["image", "build", ...keys];

function baseProblems({ missingBase }: BuildFacts): readonly Diagnostic[] {
  if (missingBase === undefined) return [];
  return [
    {
      severity: "error",
      rule: "base-by-digest",
      path: at("base"),
      what: `the digest of the CANN base image ${missingBase} is not known, and a tag can move`,
      remedy: `look it up with "ascend image resolve", which writes it into images/versions.yaml, or set image.build.base to repository@sha256:…`,
    },
  ];
}

function platformProblems(
  settings: BuildSettings,
  { platforms, architecture, python, locks }: BuildFacts,
): readonly Diagnostic[] {
  const wanted = `linux/${architecture}`;
  const missing = platforms.map(machineOf).filter((machine) => !locks.includes(`python${python}-${machine}.txt`));
  return [
    ...(platforms.includes(wanted)
      ? []
      : [
          {
            severity: "error" as const,
            rule: "image-fits-nodes",
            path: at("platform"),
            what: "the nodes could not run the image",
            got: platforms.join(", "),
            allowed: wanted,
            nearest: [wanted],
          },
        ]),
    ...(settings.engine === "docker" && platforms.length > 1
      ? [
          {
            severity: "error" as const,
            rule: "engine-can",
            path: at("platform"),
            what: "a plain engine builds one platform",
            got: platforms.join(", "),
            allowed: "one platform, or engine: buildkit",
            nearest: [wanted],
          },
        ]
      : []),
    ...missing.map((machine) => ({
      severity: "error" as const,
      rule: "lock-exists",
      path: at("platform"),
      what: `there is no requirement lock for Python ${python} on ${machine}`,
      allowed: locks.join(", "),
      remedy: `make one with "node tools/requirements.ts --machine ${machine} --python ${python} --index <PyTorch's index for processors>"`,
    })),
  ];
}

/** Settings that only BuildKit can carry out. */
const buildkitSettings = ["certificates", "pipConfiguration", "builder", "cacheTo"] as const;

function engineProblems(settings: BuildSettings): readonly Diagnostic[] {
  if (settings.engine === "buildkit") return [];
  const found = buildkitSettings
    .filter((name) => settings[name] !== undefined)
    .map(
      (name): Diagnostic => ({
        severity: "error",
        rule: "engine-can",
        path: at(name),
        what: "a plain engine has no build secrets, no named builders and no cache to export",
        allowed: "engine: buildkit",
        remedy: "set image.build.engine to buildkit, or remove this setting",
      }),
    );
  if (settings.sources === undefined || settings.sources === plainSources) return found;
  return [
    ...found,
    {
      severity: "error",
      rule: "engine-can",
      path: at("sources"),
      what: "a plain engine sees the folder images alone",
      got: settings.sources,
      allowed: `${plainSources}, or engine: buildkit`,
      nearest: [plainSources],
    },
  ];
}

function apexProblems({ apex, sources }: BuildSettings): readonly Diagnostic[] {
  if (apex === undefined || apex === "none" || sources !== undefined) return [];
  return [
    {
      severity: "error",
      rule: "apex-from-wheels",
      path: at("apex"),
      what: "apex for Ascend is in no package index",
      got: apex,
      remedy:
        "put its wheel into the folder wheels of a prepared folder and name that as image.build.sources; most trainings need no apex",
    },
  ];
}

/** Every finding about a build. */
export function buildProblems(settings: BuildSettings, facts: BuildFacts): readonly Diagnostic[] {
  return [
    ...baseProblems(facts),
    ...platformProblems(settings, facts),
    ...engineProblems(settings),
    ...apexProblems(settings),
  ];
}
