/** Where the pods of a stage go, and how long they have to end. */
import type { Environment } from "../config/schema.ts";
import { shapeOf } from "../kubernetes/npus.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/**
 * Seconds between the request to stop and the end by force. torchrun itself ends its workers about 30 s after the request, so a
 * training gets twice that and some; processor stages have nothing to save.
 */
const usualGracePeriodSeconds = { npu: 120, cpu: 30 } as const;

/** The grace period of a stage's pods; MindCluster's fault tolerance lets trainings set it. */
export function gracePeriodSeconds({ cluster: { scheduler } }: Environment, { kind }: StagePlan): number {
  const own = "faultTolerance" in scheduler ? scheduler.faultTolerance.gracePeriodSeconds : undefined;
  return kind === "npu" && own !== undefined ? own : usualGracePeriodSeconds[kind];
}

/**
 * One pod a node. Two pods of a job on one node cannot do collective communication with each other. On nodes of whole NPUs the
 * demand itself keeps them apart once two would not fit; on A3 the rule is always written, for there the documents ask for it.
 *
 * Source: MindCluster 26.0.0, affinity scheduling of Atlas A3.
 */
export function spread(environment: Environment, { name, plan }: PlannedStage): Readonly<Record<string, unknown>> {
  const { chip, npusPerNode } = shapeOf(environment);
  if (plan.nodes === 1 || (chip !== "a3" && plan.npusPerNode * 2 > npusPerNode)) return {};
  const term = {
    labelSelector: { matchLabels: { "ascend-stacks/stage": name } },
    topologyKey: "kubernetes.io/hostname",
  };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}
