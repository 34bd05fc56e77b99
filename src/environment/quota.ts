/** What the namespace may use at most, and what containers get that ask for nothing. */
import { npuResourceName, shapeOf } from "../kubernetes/npus.ts";
import type { PlannedObject } from "../kubernetes/planned-object.ts";
import type { EnvironmentPlan } from "../pipeline/pipeline.ts";
import { type NamedEnvironment, ownObject } from "./own-object.ts";

/** The limits of a namespace in plain numbers. */
export interface QuotaLimits {
  readonly npus: number;
  readonly memoryGiB: number;
  readonly processorCores: number;
  readonly pods: number;
}

/** The limits of the quota; undefined without one. What the stack file leaves out follows from `cluster.nodes` and the node shape. */
export function quotaLimits({ environment, stages }: EnvironmentPlan): QuotaLimits | undefined {
  const { quota, cluster } = environment;
  if (quota === undefined) return undefined;
  const shape = shapeOf(environment);
  const withRoom = (amount: number): number => Math.ceil((amount * (100 + quota.headroomPercent)) / 100);
  const pods = stages.reduce((sum, { plan }) => sum + plan.nodes, 0);
  return {
    npus: quota.npus ?? cluster.nodes * shape.npusPerNode,
    memoryGiB: quota.memoryGiB ?? withRoom(cluster.nodes * (shape.memoryGiB - shape.reservedMemoryGiB)),
    processorCores:
      quota.processorCores ?? withRoom(cluster.nodes * (shape.processorCores - shape.reservedProcessorCores)),
    pods: quota.pods ?? withRoom(Math.max(pods, cluster.nodes)),
  };
}

/** The quota and the defaults for containers. No default processor limit: it would be put on stage pods, which want none. */
export function quotaObjects(named: NamedEnvironment, plan: EnvironmentPlan): readonly PlannedObject[] {
  const { environment } = named;
  const limits = quotaLimits(plan);
  if (limits === undefined || environment.quota === undefined) return [];
  const memory = `${environment.quota.defaultMemoryGiB}Gi`;
  const hard = {
    [`requests.${npuResourceName(environment)}`]: String(limits.npus),
    "requests.cpu": String(limits.processorCores),
    "requests.memory": `${limits.memoryGiB}Gi`,
    "limits.memory": `${limits.memoryGiB}Gi`,
    pods: String(limits.pods),
  };
  const defaults = {
    type: "Container",
    default: { memory },
    defaultRequest: { cpu: String(environment.quota.defaultProcessorCores), memory },
  };
  const common = { apiVersion: "v1", objectName: "ascend-stacks", component: "quota" };
  return [
    ownObject(named, {
      ...common,
      name: "container-defaults",
      kind: "LimitRange",
      fields: { spec: { limits: [defaults] } },
    }),
    ownObject(named, { ...common, name: "quota", kind: "ResourceQuota", fields: { spec: { hard } } }),
  ];
}
