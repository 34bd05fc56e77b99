/** Parts that the stages of these recipes share. */
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { TaskContext } from "./task.ts";

/** Folder of the pod in which a stage finds the files that its program reads. */
export const configurationFolder = "/etc/ascend-stacks";

/** A file of the pod as text. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

type Common = Pick<
  StagePlan,
  "run" | "recipe" | "workingDirectory" | "environmentScripts" | "image" | "patches" | "restarts"
>;

/** What every stage of a run has. */
export const commonParts = ({ environment, runName, run }: TaskContext): Common => ({
  run: runName,
  recipe: run.recipe,
  workingDirectory: environment.image.workingDirectory,
  environmentScripts: environment.image.environmentScripts,
  image: "training",
  patches: [],
  restarts: 0,
});

/** Processor cores and memory that a stage without NPUs asks for, and how long `up` waits for it. */
export interface ProcessorSettings {
  readonly processorCores: number;
  readonly memoryGiB: number;
  readonly timeoutMinutes: number;
}

/** A stage that makes one artifact on processors only and is awaited. */
export function processorStage(
  context: TaskContext,
  settings: ProcessorSettings,
  stage: Pick<StagePlan, "stage" | "program" | "inputs" | "outputs" | "volumes" | "conversion">,
): StagePlan {
  return {
    ...commonParts(context),
    ...stage,
    kind: "cpu",
    nodes: 1,
    npusPerNode: 0,
    launch: { kind: "process" },
    environment: {},
    files: {},
    success: { kind: "outputs" },
    resources: { processorCores: settings.processorCores, memoryGiB: settings.memoryGiB, sharedMemoryGiB: 0 },
    wait: { kind: "until-complete", timeoutMinutes: settings.timeoutMinutes },
  };
}

/**
 * What a pod with NPUs asks of its node: as much of the node's processors and memory as it takes of its NPUs.
 *
 * @param npusPerNode NPUs of the pod
 */
export function npuResources({ run, shape }: TaskContext, npusPerNode: number): StagePlan["resources"] {
  const share = npusPerNode / shape.npusPerNode;
  return {
    processorCores: run.resources.processorCores ?? Math.floor(shape.trainingProcessorCores * share),
    memoryGiB: run.resources.memoryGiB ?? Math.floor(shape.trainingMemoryGiB * share),
    sharedMemoryGiB: run.resources.sharedMemoryGiB,
  };
}
