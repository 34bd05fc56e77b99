/** Plans the build of an environment's image: pure, from the stack file, the stack lock and the build's files. */
import { createHash } from "node:crypto";
import type { Diagnostic } from "../config/diagnostics.ts";
import type { Environment } from "../config/schema.ts";
import { nodeShapeOf } from "../hardware/node-shapes.ts";
import { type BuildChoices, buildArguments } from "./build-arguments.ts";
import type { BuildFiles } from "./build-files.ts";
import { buildProblems } from "./build-rules.ts";
import { combinationProblems } from "./combination-rules.ts";
import { type BaseImage, type Combination, lockedCombination, type Versions } from "./versions.ts";

/** Settings of a build as the stack file says them. */
export type BuildSettings = NonNullable<Environment["image"]["build"]>;

/** A build, complete. */
export interface ImageBuild {
  readonly engine: BuildSettings["engine"];
  readonly repository: string;
  /** Names the versions in words and everything by a hash; the image's name until its digest is known. */
  readonly tag: string;
  readonly platforms: readonly string[];
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly settings: BuildSettings;
}

/** What is planned of an environment's image. */
export interface ImagePlan {
  readonly build?: ImageBuild;
  readonly diagnostics: readonly Diagnostic[];
}

/** The platforms of a build; that of the nodes when none are named. */
export function platformsOf({ platform }: BuildSettings, architecture: string): readonly string[] {
  if (platform === undefined) return [`linux/${architecture}`];
  return typeof platform === "string" ? [platform] : platform;
}

/** The known base image for a choice of chip, system and Python. */
export const findBase = (versions: Versions, chip: string, os: string, python: string): BaseImage | undefined =>
  versions.bases.find(
    (base) => base.cann === versions.stack.cann && base.chip === chip && base.os === os && base.python === python,
  );

/** Reference by digest, or undefined when nobody has looked the digest up yet. */
export function baseReference(versions: Versions, base: BaseImage | undefined): string | undefined {
  const [repository] = versions.baseRepositories;
  return base?.digest === null || base === undefined ? undefined : `${repository}:${base.tag}@${base.digest}`;
}

const tagOf = (versions: Versions, { chip, python, content }: BuildChoices): string =>
  `${versions.stack.mindspeedMm.version}-${chip}-py${python}-${content}`;

/** Name of an image until its digest is known; it stands in the plan, and in the contracts that record what a stage ran in. */
export const builtName = ({ repository, tag }: ImageBuild): string => `${repository}:${tag}`;

function planBuild(
  environment: Environment,
  settings: BuildSettings,
  versions: Versions,
  files: BuildFiles,
): ImagePlan {
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  const os = settings.os ?? versions.stack.os;
  const python = settings.python ?? versions.stack.python;
  const known = findBase(versions, shape.chip, os, python);
  const base = settings.base ?? baseReference(versions, known);
  const platforms = platformsOf(settings, shape.architecture);
  const apex = settings.apex ?? versions.stack.apex;
  const diagnostics = [
    ...combinationProblems(versions, { ...lockedCombination(versions, shape.chip), os, python }, ["image", "build"]),
    ...buildProblems(settings, {
      platforms,
      architecture: shape.architecture,
      python,
      locks: files.locks,
      ...(base === undefined ? { missingBase: known?.tag ?? "unknown" } : {}),
    }),
  ];
  if (base === undefined) return { diagnostics };
  const fixed = {
    base,
    chip: shape.chip,
    os,
    python,
    apex,
    ...(settings.gitHosts === undefined ? {} : { gitHosts: settings.gitHosts }),
  };
  const content = createHash("sha256")
    .update(JSON.stringify([files.content, platforms, buildArguments(versions, { ...fixed, content: "" })]))
    .digest("hex")
    .slice(0, 12);
  const choices: BuildChoices = { ...fixed, content };
  return {
    build: {
      engine: settings.engine,
      repository: settings.repository,
      tag: tagOf(versions, choices),
      platforms,
      buildArguments: buildArguments(versions, choices),
      settings,
    },
    diagnostics,
  };
}

/** Without the parts that were left out: absent and undefined differ. */
const stated = (versions: Readonly<Record<string, string | undefined>>): Combination =>
  Object.fromEntries(Object.entries(versions).filter(([, version]) => version !== undefined));

function chipProblems(environment: Environment, chip: string | undefined): readonly Diagnostic[] {
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  if (chip === undefined || chip === shape.chip) return [];
  return [
    {
      severity: "error",
      rule: "image-fits-chip",
      path: ["image", "versions", "chip"],
      what: `the image is made for another chip than ${shape.product} has`,
      got: chip,
      allowed: shape.chip,
      nearest: [shape.chip],
    },
  ];
}

/**
 * Plans the image of an environment.
 *
 * @param files of the build; asked for only when the image is built
 */
export function planImage(environment: Environment, versions: Versions, files: () => BuildFiles): ImagePlan {
  const { build, versions: given } = environment.image;
  if (build !== undefined) return planBuild(environment, build, versions, files());
  if (given === undefined) return { diagnostics: [] };
  const combination = stated(given);
  return {
    diagnostics: [
      ...chipProblems(environment, combination.chip),
      ...combinationProblems(versions, combination, ["image", "versions"]),
    ],
  };
}
