/** How pods of workloads without a gang of their own reach another scheduler than the cluster's default. */
import type { Environment } from "../config/schema.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { podGangAnnotations } from "./mindcluster.ts";

/** Fields and annotations of the pods. */
export interface PodScheduling {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const untouched: PodScheduling = { fields: {}, annotations: {} };

/**
 * Sends NPU pods to Volcano where the stack file says so. Pods without NPUs stay with the default scheduler: only two schedulers
 * that both hand out NPUs of one node get into each other's way.
 */
export function plainPodScheduling(environment: Environment, stage: PlannedStage): PodScheduling {
  const { scheduler } = environment.cluster;
  const isVolcano = "schedulerName" in scheduler && scheduler.schedulerName === "volcano";
  if (!isVolcano || stage.plan.kind !== "npu") return untouched;
  return { fields: { schedulerName: "volcano" }, annotations: podGangAnnotations(environment, stage) };
}
