/** Registers an environment with the engine: connects the rooms, decides nothing. */
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "./pipeline/pipeline.ts";
import { plannedObjects } from "./planned-objects.ts";
import * as pulumi from "./pulumi.ts";
import { registerObject, type SecretReader } from "./workloads/register.ts";
import { Stage } from "./workloads/stage-component.ts";

/** What an environment tells the user when it is up. */
export interface EnvironmentOutputs {
  readonly namespace: string;
  /** Names of the Jobs of each run, in order. */
  readonly runs: Readonly<Record<string, readonly string[]>>;
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

/**
 * Registers every object of the plan, stage by stage.
 *
 * @param environmentName name of the stack
 * @param readSecret reads a secret of the stack's configuration by its path
 */
export function registerEnvironment(
  environmentName: string,
  plan: EnvironmentPlan,
  readSecret: SecretReader,
): EnvironmentOutputs {
  const objects = plannedObjects(environmentName, plan);
  explainProtection(objects, plan);
  const resources = new Map<string, pulumi.Resource>();
  for (const object of objects.filter(({ stage }) => stage === undefined)) {
    const dependencies = object.after.flatMap((other) => resources.get(other) ?? []);
    resources.set(object.name, registerObject(object, undefined, dependencies, readSecret));
  }
  for (const { name } of plan.stages) {
    const own = objects.filter(({ stage }) => stage === name);
    const component = new Stage(name, { objects: own, others: resources, readSecret });
    for (const [objectName, resource] of component.resources) resources.set(objectName, resource);
  }
  const jobsOf = (run: string): readonly string[] =>
    plan.stages.filter(({ runs }) => runs.includes(run)).map(({ name }) => name);
  return {
    namespace: plan.environment.namespace,
    runs: Object.fromEntries(plan.runs.map(({ name }) => [name, jobsOf(name)])),
  };
}
