/** All objects of an environment, for the engine, for Git and for the tests alike. */
import { baseObjects } from "./environment/base-objects.ts";
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "./pipeline/pipeline.ts";
import { workloadOf } from "./workloads/catalogue.ts";

/**
 * The objects of a plan in an order in which each comes after what it needs.
 *
 * @param environmentName name of the stack
 */
export function plannedObjects(environmentName: string, plan: EnvironmentPlan): readonly PlannedObject[] {
  const { environment } = plan;
  const base = baseObjects(environmentName, environment);
  const workload = workloadOf(environment.cluster.scheduler.kind);
  const names = base.map(({ name }) => name);
  return [
    ...base,
    ...plan.stages.flatMap((stage) => workload.objects({ environmentName, environment, stage, baseObjects: names })),
  ];
}
