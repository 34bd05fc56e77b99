/** What an environment needs around its stages. */
import { prePullObjects } from "../images/pre-pull.ts";
import { signaturePolicyObjects } from "../images/signature-policy.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { accessObjects } from "./access.ts";
import { namespaceObject } from "./namespace.ts";
import { networkObjects } from "./network.ts";
import { observabilityObjects } from "./observability.ts";
import type { NamedEnvironment } from "./own-object.ts";
import { queueingObjects } from "./queues.ts";
import { quotaObjects } from "./quota.ts";
import { registrySecretObjects } from "./registry-secret.ts";
import { storageObjects } from "./storage.ts";

/** Everything but the namespace, in an order in which each comes after what it needs. */
function surroundings(named: NamedEnvironment, plan: EnvironmentPlan): readonly PlannedObject[] {
  return [
    ...queueingObjects(named),
    ...quotaObjects(named, plan),
    ...accessObjects(named),
    ...networkObjects(named, plan),
    ...storageObjects(named),
    ...registrySecretObjects(named),
    ...signaturePolicyObjects(named.environmentName, named.environment),
    ...prePullObjects(named.environmentName, named.environment),
    ...observabilityObjects(named.environmentName, named.environment),
  ];
}

/**
 * The environment's own objects followed by those of its stages. The namespace is told what will live in it, so it comes last into
 * being and first in the list.
 *
 * @param stageObjects makes the objects of the stages, given the names of the objects that every stage needs
 */
export function environmentObjects(
  environmentName: string,
  plan: EnvironmentPlan,
  stageObjects: (baseObjects: readonly string[]) => readonly PlannedObject[],
): readonly PlannedObject[] {
  const named = { environmentName, environment: plan.environment };
  const around = surroundings(named, plan);
  const stages = stageObjects(["namespace", ...around.map(({ name }) => name)]);
  const namespace = namespaceObject(
    named,
    stages.map(({ manifest }) => manifest),
  );
  return [namespace, ...around, ...stages];
}
