/** All objects of an environment, for the engine, for Git and for the tests alike. */
import { environmentObjects } from "./environment/base-objects.ts";
import { admittedByKueue } from "./environment/queues.ts";
import { withWaivers } from "./environment/waiver-list.ts";
import { deliveryAnnotations } from "./gitops/delivery.ts";
import type { PlannedObject } from "./kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "./pipeline/pipeline.ts";
import { workloadFor } from "./workloads/catalogue.ts";

/** Adds what delivery tools must know of an object; the engine applies the same annotations, so that Git and `up` stay equal. */
function withDelivery(object: PlannedObject, plan: EnvironmentPlan): PlannedObject {
  const stage = plan.stages.find(({ name }) => name === object.stage);
  const isLifted =
    stage?.plan.kind === "npu" && stage.runs.some((run) => plan.environment.allowReplacing.includes(run));
  const { metadata } = object.manifest;
  const annotations = { ...metadata.annotations, ...deliveryAnnotations(object, isLifted) };
  return { ...object, manifest: { ...object.manifest, metadata: { ...metadata, annotations } } };
}

/**
 * The objects of a plan in an order in which each comes after what it needs.
 *
 * @param environmentName name of the stack
 */
export function plannedObjects(environmentName: string, plan: EnvironmentPlan): readonly PlannedObject[] {
  const { environment } = plan;
  const objects = environmentObjects(environmentName, plan, (baseObjects) =>
    plan.stages
      .flatMap((stage) =>
        workloadFor(environment, stage.plan).objects({ environmentName, environment, stage, baseObjects }),
      )
      .map((object) => admittedByKueue(environment, object)),
  );
  return objects.map((object) => withWaivers(environment, withDelivery(object, plan)));
}
