/** The workload kinds there are. A new scheduler adds its file and one line here. */

import type { Environment } from "../config/schema.ts";
import type { StagePlan } from "../stages/stage-plan.ts";
import { ascendJob } from "./ascend-job.ts";
import { indexedJob } from "./indexed-job.ts";
import { jobSet } from "./job-set.ts";
import { volcanoJob } from "./volcano-job.ts";
import type { Workload } from "./workload.ts";

/** Every workload kind. */
export const workloads: readonly Workload[] = [indexedJob, jobSet, volcanoJob, ascendJob];

/** The workload of that kind. The configuration surface admits known kinds only, so a miss is a programming error. */
export function workloadOf(kind: string): Workload {
  const workload = workloads.find((candidate) => candidate.kind === kind);
  if (workload === undefined) throw new Error(`no workload ${kind} in the catalogue`);
  return workload;
}

/**
 * The workload that runs a stage. Stages without NPUs are Indexed Jobs on every cluster: they are single pods that need no gang, the
 * engine can wait for their end, and custom resources it cannot wait for.
 */
export const workloadFor = ({ cluster }: Environment, plan: StagePlan): Workload =>
  plan.kind === "npu" ? workloadOf(cluster.scheduler.kind) : indexedJob;
