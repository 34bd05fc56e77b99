/** Stacks with other settings than their file has, for tests of placement. */
import type { Environment } from "../src/config/schema.ts";
import type { PlannedObject } from "../src/kubernetes/planned-object.ts";
import { type EnvironmentPlan, planEnvironment } from "../src/pipeline/pipeline.ts";
import { plannedObjects } from "../src/planned-objects.ts";
import { readStack } from "../src/stack.ts";
import { projectFolder } from "./stacks.ts";

/** Settings of the cluster that a test sets anew; the rest stays as in the file. */
export type ClusterChange = Partial<Environment["cluster"]>;

/** Settings that every run gets. */
export type RunChange = Partial<Environment["runs"][string]>;

/** The scheduler kinds with the defaults of the surface. */
export const schedulers = {
  job: { kind: "job" },
  jobSet: { kind: "jobSet" },
  jobOnVolcano: { kind: "job", schedulerName: "volcano" },
  jobSetOnVolcano: { kind: "jobSet", schedulerName: "volcano" },
  volcanoJob: gang("volcanoJob"),
  ascendJob: gang("ascendJob"),
} as const satisfies Readonly<Record<string, Environment["cluster"]["scheduler"]>>;

/** A gang scheduler with the defaults of the surface and some fault tolerance of its own. */
export function gang<Kind extends "volcanoJob" | "ascendJob">(
  kind: Kind,
  faultTolerance: Partial<Extract<Environment["cluster"]["scheduler"], { kind: "ascendJob" }>["faultTolerance"]> = {},
) {
  const usual = { scheduling: "grace", podRescheduling: false, subHealth: "ignore", recoverStrategy: [] } as const;
  // The array of the defaults is read-only to the compiler and empty in fact.
  return { kind, queue: "default", faultTolerance: { ...usual, recoverStrategy: [], ...faultTolerance } };
}

/** The environment of a stack with changed settings. */
export function changedEnvironment(cluster: ClusterChange = {}, run: RunChange = {}, stack = "local-2x8"): Environment {
  const { environment } = readStack(projectFolder, stack);
  const runs = Object.fromEntries(Object.entries(environment.runs).map(([name, own]) => [name, { ...own, ...run }]));
  return { ...environment, cluster: { ...environment.cluster, podAnnotations: {}, ...cluster }, runs };
}

/** A planned stack with changed settings. */
export function placed(
  cluster: ClusterChange = {},
  run: RunChange = {},
  stack = "local-2x8",
): { readonly plan: EnvironmentPlan; readonly objects: readonly PlannedObject[]; readonly training: PlannedObject } {
  const plan = planEnvironment(changedEnvironment(cluster, run, stack));
  const mistakes = plan.diagnostics.filter(({ severity }) => severity === "error");
  if (mistakes.length > 0) throw new Error(JSON.stringify(mistakes));
  const objects = plannedObjects(stack, plan);
  const training = objects.find(({ name }) => name.endsWith("-pretrain-job"));
  if (training === undefined) throw new Error("no training in this stack");
  return { plan, objects, training };
}
