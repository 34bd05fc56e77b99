/** Registers an environment with the engine: connects the rooms, decides nothing. */
import { builtName, type ImageBuild } from "./images/image-plan.ts";
import { TrainingImage } from "./images/training-image.ts";
import { imagesFolder } from "./images/versions.ts";
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "./pipeline/pipeline.ts";
import * as pulumi from "./pulumi.ts";
import { type BuiltImage, registerObject, type SecretReader } from "./workloads/register.ts";
import { Stage } from "./workloads/stage-component.ts";

/** What an environment tells the user when it is up. */
export interface EnvironmentOutputs {
  readonly namespace: string;
  /** Names of the Jobs of each run, in order. */
  readonly runs: Readonly<Record<string, readonly string[]>>;
  /** The training image by digest. */
  readonly image: string | pulumi.Output<string>;
}

/** Says how a protection is lifted: the engine's own refusal speaks of a flag in the program, which is not the user's to change. */
function explainProtection(objects: readonly PlannedObject[], plan: EnvironmentPlan): void {
  const stages = new Set(objects.filter(({ isProtected }) => isProtected).map(({ stage }) => stage));
  const runs = new Set(plan.stages.filter(({ name }) => stages.has(name)).flatMap((stage) => stage.runs));
  if (runs.size === 0) return;
  void pulumi.log.info(
    `protected training: ${[...runs].join(", ")}. An update that would replace or remove it is refused as a whole; to allow that for one update, add the run's name to allowReplacing in the stack file.`,
  );
}

/** Registers the build of the training image. */
function registerImage(build: ImageBuild, plan: EnvironmentPlan, readSecret: SecretReader): BuiltImage {
  const credentials = plan.environment.image.registryCredentials;
  const registry =
    credentials !== undefined && "password" in credentials
      ? {
          server: credentials.server,
          username: credentials.username,
          password: pulumi.secret(readSecret(["image", "registryCredentials", "password"])),
        }
      : undefined;
  const image = new TrainingImage("training-image", {
    build,
    images: imagesFolder,
    ...(registry === undefined ? {} : { registry }),
  });
  return { name: builtName(build), reference: image.reference, resource: image.image };
}

/**
 * Registers every object of the plan, stage by stage.
 *
 * @param objects of the plan, in an order in which each comes after what it needs
 * @param readSecret reads a secret of the stack's configuration by its path
 * @param build of the training image, when the stack builds it
 */
export function registerEnvironment(
  plan: EnvironmentPlan,
  objects: readonly PlannedObject[],
  readSecret: SecretReader,
  build?: ImageBuild,
): EnvironmentOutputs {
  const image = build === undefined ? undefined : registerImage(build, plan, readSecret);
  explainProtection(objects, plan);
  const resources = new Map<string, pulumi.Resource>();
  for (const object of objects.filter(({ stage }) => stage === undefined)) {
    const dependencies = object.after.flatMap((other) => resources.get(other) ?? []);
    resources.set(object.name, registerObject(object, undefined, dependencies, readSecret, image));
  }
  for (const { name } of plan.stages) {
    const own = objects.filter(({ stage }) => stage === name);
    const component = new Stage(name, { objects: own, others: resources, readSecret, image });
    for (const [objectName, resource] of component.resources) resources.set(objectName, resource);
  }
  const jobsOf = (run: string): readonly string[] =>
    plan.stages.filter(({ runs }) => runs.includes(run)).map(({ name }) => name);
  return {
    namespace: plan.environment.namespace,
    image: image?.reference ?? plan.environment.image.reference,
    runs: Object.fromEntries(plan.runs.map(({ name }) => [name, jobsOf(name)])),
  };
}
