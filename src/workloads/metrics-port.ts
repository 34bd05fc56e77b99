/** On which port the pods of a training serve their progress for Prometheus. */
import type { Environment } from "../config/schema.ts";
import type { StagePlan } from "../stages/stage-plan.ts";

/** Name of that container port: monitors and network policies find it by its name. */
export const metricsPortName = "metrics";

/** The port of a stage; none for stages that print no iterations, and where the run has switched it off. */
export function metricsPortOf({ runs }: Environment, { run, kind, launch, success }: StagePlan): number | undefined {
  const isTraining = kind === "npu" && launch.kind === "torchrun" && success.kind === "checkpoint";
  const port = runs[run]?.metricsPort ?? 0;
  return isTraining && port !== 0 ? port : undefined;
}

/** The container's port of that name. */
export function metricsPorts(environment: Environment, plan: StagePlan): readonly unknown[] {
  const containerPort = metricsPortOf(environment, plan);
  return containerPort === undefined ? [] : [{ name: metricsPortName, containerPort, protocol: "TCP" }];
}
