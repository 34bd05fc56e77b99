/** The workload kinds there are. A new scheduler adds its file and one line here. */
import { indexedJob } from "./indexed-job.ts";
import type { Workload } from "./workload.ts";

const workloads: readonly Workload[] = [indexedJob];

/** The workload of that kind. The configuration surface admits known kinds only, so a miss is a programming error. */
export function workloadOf(kind: string): Workload {
  const workload = workloads.find((candidate) => candidate.kind === kind);
  if (workload === undefined) throw new Error(`no workload ${kind} in the catalogue`);
  return workload;
}
