/**
 * Labels and annotations by which MindCluster's scheduler plugin and operator know what to do with a job.
 *
 * Source: MindCluster 26.0.0, docs/zh/scheduling/06_api/15_yaml_configuration.md and 08_ascend_job.md.
 */
import type { Environment } from "../config/schema.ts";
import { isSuperPodPolicy } from "../hardware/schedule-policies.ts";
import { schedulePolicyOf } from "../kubernetes/npus.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";

type Text = Readonly<Record<string, string>>;

/** Schedulers of MindCluster with settings of their own. */
export type GangScheduler = Extract<Environment["cluster"]["scheduler"], { readonly kind: "volcanoJob" | "ascendJob" }>;

/** NPUs of a whole stage. */
export const totalNpus = ({ plan }: PlannedStage): number => plan.nodes * plan.npusPerNode;

/** NPUs of one logical super pod: by default the whole stage, so that no traffic leaves it. */
export const superPodBlock = (environment: Environment, stage: PlannedStage): number =>
  environment.cluster.superPod.block ?? totalNpus(stage);

/** How the plugin places the NPUs: always written, because a job without it is placed by the rules of the Ascend 910A. */
export function policyAnnotations(environment: Environment, stage: PlannedStage): Text {
  const policy = schedulePolicyOf(environment);
  return {
    "huawei.com/schedule_policy": policy,
    ...(isSuperPodPolicy(policy) ? { "sp-block": String(superPodBlock(environment, stage)) } : {}),
  };
}

/**
 * The same for a workload that knows no gang of its own: the plugin takes the size of the gang from the pods.
 *
 * Source: mind-cluster v26.0.0, component/ascend-for-volcano/plugin/type.go.
 */
export const podGangAnnotations = (environment: Environment, stage: PlannedStage): Text => ({
  ...policyAnnotations(environment, stage),
  "huawei.com/schedule_minAvailable": String(stage.plan.nodes),
});

/** The label of job and pods that names the product line: the same for A2 and A3. */
export const productLabels: Text = { "ring-controller.atlas": "ascend-910b" };

/**
 * What happens when hardware fails. A training that may not be started again is not rescheduled either: the operator reads a limit
 * of 0 as "without limit", so the switch is the label.
 */
function faultLabels({ faultTolerance }: GangScheduler, restarts: number): Text {
  const { scheduling, podRescheduling, subHealth } = faultTolerance;
  return {
    "fault-scheduling": restarts === 0 ? "off" : scheduling,
    ...(podRescheduling ? { "pod-rescheduling": "on" } : {}),
    ...(subHealth === "ignore" ? {} : { subHealthyStrategy: subHealth }),
  };
}

function placementLabels(environment: Environment, { torAffinity }: GangScheduler): Text {
  const { affinity } = environment.cluster.superPod;
  return {
    // The text "null" is the scheduler's word for none; the YAML null would be refused.
    ...(torAffinity === undefined ? {} : { "tor-affinity": torAffinity === "none" ? "null" : torAffinity }),
    ...(affinity === undefined ? {} : { "super-pod-affinity": affinity }),
  };
}

/** Labels of a job that a gang scheduler places. */
export const gangLabels = (environment: Environment, scheduler: GangScheduler, restarts: number): Text => ({
  ...productLabels,
  ...faultLabels(scheduler, restarts),
  ...placementLabels(environment, scheduler),
});

/** Annotations of a job that a gang scheduler places. */
export const gangAnnotations = (environment: Environment, scheduler: GangScheduler, stage: PlannedStage): Text => ({
  ...policyAnnotations(environment, stage),
  ...(scheduler.faultTolerance.recoverStrategy.length === 0
    ? {}
    : { "recover-strategy": scheduler.faultTolerance.recoverStrategy.join(",") }),
});

/** Keys that a workload writes itself: a stack file's own labels and annotations must leave them alone. */
export const ownedKeys: readonly string[] = [
  ...["huawei.com/schedule_policy", "huawei.com/schedule_minAvailable", "sp-block", "recover-strategy"],
  ...["framework", "ring-controller.atlas", "fault-scheduling", "fault-retry-times", "pod-rescheduling"],
  ...["process-recover-enable", "subHealthyStrategy", "tor-affinity", "super-pod-affinity", "ascend-stacks/stage"],
];
