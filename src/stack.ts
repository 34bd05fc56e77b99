/** From a stack file to its plan, for the command line and for the engine. */
import { ConfigurationError, type LocatedDiagnostic } from "./config/diagnostics.ts";
import { type LoadedStack, loadFromEngine, loadStack } from "./config/load.ts";
import { environmentProblems } from "./environment/problems.ts";
import { readBuildFiles } from "./images/build-files.ts";
import { builtName, type ImageBuild, type ImagePlan, planImage } from "./images/image-plan.ts";
import { imagesFolder, readVersions } from "./images/versions.ts";
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import { replaceValue } from "./kubernetes/replace-value.ts";
import { type EnvironmentPlan, planEnvironment } from "./pipeline/pipeline.ts";
import { plannedObjects } from "./planned-objects.ts";
import { environmentShape } from "./recipes/catalogue.ts";
import { objectProblems, settingsProblems } from "./workloads/rules/rules.ts";

/** A stack that may be created. */
export interface PlannedStack {
  readonly plan: EnvironmentPlan;
  readonly objects: readonly PlannedObject[];
  /** The build of the training image, when the stack builds it. */
  readonly build?: ImageBuild;
  /** Warnings only: errors are thrown. */
  readonly warnings: readonly LocatedDiagnostic[];
}

const hasError = (found: readonly LocatedDiagnostic[]): boolean => found.some(({ severity }) => severity === "error");

/** Files of the project are read only where the stack file speaks of a build or of versions. */
function imageOf({ image, ...environment }: LoadedStack["environment"]): ImagePlan {
  if (image.build === undefined && image.versions === undefined) return { diagnostics: [] };
  const files = () => readBuildFiles(imagesFolder, image.build?.sources);
  return planImage({ ...environment, image }, readVersions(), files);
}

/** The environment with its image under the name that it has until its digest is known. */
const withBuild = (
  environment: LoadedStack["environment"],
  build: ImageBuild | undefined,
): LoadedStack["environment"] =>
  build === undefined ? environment : { ...environment, image: { ...environment.image, reference: builtName(build) } };

/** Objects as the rules about images must see them: a built image has a digest in the cluster, which is only not known yet. */
function asBuilt(objects: readonly PlannedObject[], build: ImageBuild | undefined): readonly PlannedObject[] {
  if (build === undefined) return objects;
  const digest = `${build.repository}@sha256:${"0".repeat(64)}`;
  // Replacing texts changes no type.
  return objects.map((object) => replaceValue(object, builtName(build), digest) as PlannedObject);
}

function planLoaded(stack: string, loaded: LoadedStack): PlannedStack {
  const { build, diagnostics } = imageOf(loaded.environment);
  const plan = planEnvironment(withBuild(loaded.environment, build));
  const found = [
    ...loaded.warnings,
    ...loaded.attach([...diagnostics, ...plan.diagnostics, ...settingsProblems(plan)]),
  ];
  if (hasError(found)) throw new ConfigurationError(stack, found);
  const objects = plannedObjects(stack, plan);
  const all = [
    ...found,
    ...loaded.attach([...objectProblems(objects), ...environmentProblems(plan, asBuilt(objects, build))]),
  ];
  if (hasError(all)) throw new ConfigurationError(stack, all);
  return { plan, objects, warnings: all, ...(build === undefined ? {} : { build }) };
}

/**
 * Reads a stack from its file alone, without planning it.
 *
 * @throws ConfigurationError with every mistake found
 */
export const readStack = (projectFolder: string, stack: string): LoadedStack =>
  loadStack({ projectFolder, stack, shape: environmentShape });

/**
 * Plans a stack from its file alone: no engine, no cluster, no tool.
 *
 * @throws ConfigurationError with every mistake found
 */
export function planStack(projectFolder: string, stack: string): PlannedStack {
  return planLoaded(stack, readStack(projectFolder, stack));
}

/**
 * Plans a stack from what the engine hands over, with positions from its file.
 *
 * @param engineValue the decrypted value of `ascend-stacks:environment`
 * @param holdsSecrets whether the engine has decrypted some part of it
 * @throws ConfigurationError with every mistake found
 */
export function planStackFromEngine(
  projectFolder: string,
  stack: string,
  engineValue: unknown,
  holdsSecrets = false,
): PlannedStack {
  return planLoaded(
    stack,
    loadFromEngine({ projectFolder, stack, shape: environmentShape, engineValue, holdsSecrets }),
  );
}
