/** Rules about what MindCluster does when hardware or programs fail. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { Environment } from "../../config/schema.ts";
import { isSuperPodPolicy } from "../../hardware/schedule-policies.ts";
import { shapeOf } from "../../kubernetes/npus.ts";
import type { PlannedStage } from "../../pipeline/pipeline.ts";
import type { GangScheduler } from "../mindcluster.ts";
import { sources } from "./sources.ts";

const path = (...keys: readonly string[]): readonly string[] => ["cluster", "scheduler", "faultTolerance", ...keys];

/** The scheduler of an environment, when MindCluster's fault tolerance belongs to it. */
export const gangSchedulerOf = ({ cluster: { scheduler } }: Environment): GangScheduler | undefined =>
  "faultTolerance" in scheduler ? scheduler : undefined;

/** Seconds after which the scheduler deletes a pod by force that was asked to end: its setting `grace-over-time`. */
const graceOverTime = 900;

/**
 * Recoveries at process level, hot switch and elastic training rest on changes of Megatron that MindSpeed-LLM makes and MindSpeed-MM
 * does not. The documents list each as not supported for multimodal models. `exit` only ends the job and asks for nothing.
 */
export function multimodalRecoveryProblems(environment: Environment): readonly Diagnostic[] {
  const scheduler = gangSchedulerOf(environment);
  if (scheduler === undefined) return [];
  const { recoverStrategy, subHealth, acknowledge } = scheduler.faultTolerance;
  const excluded = [
    ...recoverStrategy
      .filter((name) => name !== "exit")
      .map((name) => ({ at: path("recoverStrategy"), got: name as string, nearest: "exit" })),
    ...(subHealth === "hotSwitch" ? [{ at: path("subHealth"), got: subHealth, nearest: "graceExit" }] : []),
  ];
  return excluded.map(({ at, got, nearest }) => ({
    severity: acknowledge === undefined ? "error" : "warning",
    rule: "recovery-fits-multimodal",
    path: at,
    what:
      acknowledge === undefined
        ? "the documents exclude this recovery for multimodal models: the training would not come back"
        : `a recovery that the documents exclude for multimodal models, because: ${acknowledge}`,
    got,
    nearest: [nearest],
    remedy: "rely on restarts from checkpoints, or give the reason in faultTolerance.acknowledge",
    source: sources.faultTolerance,
  }));
}

/** Process-level recovery and hot switch are of the Ascend Operator; a Volcano Job does not have them. */
export function recoveryKindProblems(environment: Environment): readonly Diagnostic[] {
  const scheduler = gangSchedulerOf(environment);
  if (scheduler?.kind !== "volcanoJob") return [];
  const { recoverStrategy, subHealth } = scheduler.faultTolerance;
  if (recoverStrategy.length === 0 && subHealth !== "hotSwitch") return [];
  return [
    {
      severity: "error",
      rule: "recovery-needs-operator",
      path: path(recoverStrategy.length > 0 ? "recoverStrategy" : "subHealth"),
      what: "recovery of processes is the Ascend Operator's work; a Volcano Job has none",
      got: recoverStrategy.join(", ") || subHealth,
      allowed: "with scheduler.kind ascendJob",
      nearest: ["ascendJob"],
      source: sources.faultTolerance,
    },
  ];
}

/** Retries of failed programs are documented for A2 servers only. */
export function retryProductProblems(environment: Environment, stages: readonly PlannedStage[]): readonly Diagnostic[] {
  if (environment.cluster.scheduler.kind !== "ascendJob" || shapeOf(environment).chip !== "a3") return [];
  return stages
    .filter(({ plan }) => plan.kind === "npu" && plan.restarts > 0)
    .map(({ plan }) => ({
      severity: "warning",
      rule: "retry-documented",
      path: ["runs", plan.run, "restarts"],
      what: `retries after a failed program (fault-retry-times) are documented for Atlas 800T A2 and Atlas 900 A2 PoD only; on ${shapeOf(environment).product} they may not come`,
      got: `${plan.restarts}`,
      remedy: "try it before relying on it; retries after failed hardware are not concerned",
      source: sources.faultTolerance,
    }));
}

/** A pod that takes longer to end than the scheduler waits is ended by force, in the middle of what it saves. */
export function gracePeriodProblems(environment: Environment): readonly Diagnostic[] {
  const scheduler = gangSchedulerOf(environment);
  const seconds = scheduler?.faultTolerance.gracePeriodSeconds;
  if (scheduler === undefined || seconds === undefined) return [];
  if (seconds >= graceOverTime) {
    return [
      {
        severity: "error",
        rule: "grace-period-below-scheduler",
        path: path("gracePeriodSeconds"),
        what: `the scheduler ends pods by force after ${graceOverTime} s (grace-over-time)`,
        got: `${seconds}`,
        allowed: `below ${graceOverTime}`,
        nearest: ["600"],
        source: sources.configuration,
      },
    ];
  }
  if (scheduler.faultTolerance.scheduling === "grace") return [];
  return [
    {
      severity: "warning",
      rule: "grace-period-with-grace",
      path: path("gracePeriodSeconds"),
      what: "the grace period matters to rescheduling with scheduling: grace only",
      got: scheduler.faultTolerance.scheduling,
      nearest: ["grace"],
      source: sources.configuration,
    },
  ];
}

/** Recreating single pods leaves the others' processes with a dead communication domain unless TaskD restarts them. */
export function podReschedulingProblems(environment: Environment): readonly Diagnostic[] {
  const scheduler = gangSchedulerOf(environment);
  if (scheduler === undefined || !scheduler.faultTolerance.podRescheduling) return [];
  if (scheduler.faultTolerance.scheduling === "off") {
    return [
      {
        severity: "error",
        rule: "pod-rescheduling-with-scheduling",
        path: path("podRescheduling"),
        what: "single pods are recreated only where failed hardware is rescheduled at all",
        got: "scheduling: off",
        allowed: "grace or force",
        nearest: ["grace"],
        source: sources.configuration,
      },
    ];
  }
  return [
    {
      severity: "warning",
      rule: "pod-rescheduling-needs-taskd",
      path: path("podRescheduling"),
      what: "without TaskD in the image, started by the training, the surviving pods wait for a dead communication domain",
      got: "true",
      nearest: ["false"],
      source: sources.faultTolerance,
    },
  ];
}

/** Soft or hard affinity to super pods is read on A3 only. */
export function superPodAffinityProblems(environment: Environment): readonly Diagnostic[] {
  const { affinity } = environment.cluster.superPod;
  if (affinity === undefined || gangSchedulerOf(environment) !== undefined) return [];
  if (!isSuperPodPolicy(shapeOf(environment).schedulePolicy)) return [];
  return [
    {
      severity: "error",
      rule: "super-pod-affinity-kind",
      path: ["cluster", "superPod", "affinity"],
      what: "the affinity is a label of volcanoJob and ascendJob; on other kinds nothing reads it",
      got: affinity,
      allowed: "with scheduler.kind volcanoJob or ascendJob",
      nearest: ["ascendJob"],
      source: sources.configuration,
    },
  ];
}
