/** Plans a run of any of the three tasks: judges its settings, then puts its listed stages in order. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import type { RunContext, RunPlan } from "../recipe.ts";
import {
  checkpoint,
  ditWeights,
  features,
  mergedWeights,
  ownWeights,
  preparedDataset,
  unstaged,
  vaeWeights,
  type WeightLayout,
} from "./artifacts.ts";
import { convertDit, convertVae, resplit } from "./conversion.ts";
import { prepareDataset } from "./dataset.ts";
import { awaitedDownloads, downloadProblems, downloads } from "./download.ts";
import { evaluate } from "./evaluation.ts";
import { extractFeatures } from "./features.ts";
import { inference } from "./inference.ts";
import { inferenceProblems } from "./inference-rules.ts";
import { extractionLayout, trainingLayout, trainingLayoutProblems } from "./layouts.ts";
import { withOverrides } from "./overrides.ts";
import { pretrain } from "./pretrain.ts";
import { ditSource, textEncoder } from "./sources.ts";
import { stageProblems } from "./stage-rules.ts";
import type { AnySettings, VideoSettings } from "./surface/runs.ts";
import { isVideoContext, type TaskContext, taskOf, videoContext } from "./task.ts";
import { trainingProblems } from "./training-rules.ts";

/** Layouts that downloaded weights are cut for: the training's, and that of an inference with them. */
function convertedLayouts({ run }: TaskContext<VideoSettings>, layout: ParallelLayout): readonly WeightLayout[] {
  const infers = run.stages.includes("inference") || run.stages.includes("evaluate");
  const forInference = infers && run.inference.weights === "converted" ? [unstaged(run.inference.parallel.tensor)] : [];
  const isTraining = run.stages.includes("pretrain") || forInference.length === 0;
  return [...(isTraining ? [layout] : []), ...forInference];
}

function conversions(context: TaskContext<VideoSettings>, layout: ParallelLayout): readonly StagePlan[] {
  const { dit } = context.run.sources;
  const made = new Set<string>();
  return convertedLayouts(context, layout).flatMap((target) => {
    const output = ditWeights(context, dit, target);
    if (made.has(output.path)) return [];
    made.add(output.path);
    return [convertDit(context, ditSource(context, dit), output, target)];
  });
}

/** Weights that a training starts from: the converted download, own ones, or none. */
function initialWeights({ run, ...context }: TaskContext, layout: ParallelLayout): Artifact | undefined {
  if (run.recipe !== "opensoraplan1.3/t2v-features") return ditWeights({ run, ...context }, run.sources.dit, layout);
  if (run.initialWeights === undefined) return undefined;
  return ownWeights({ run, ...context }, run.initialWeights.folder, layout, "initialWeights.folder");
}

/** What the dataset must suit: the training, and for features the extraction too, which reads the videos. */
function datasetNeeds(context: TaskContext, layout: ParallelLayout) {
  const extraction = isVideoContext(context) ? 1 : extractionLayout(context).globalBatch;
  return { context: layout.context, globalBatch: Math.max(layout.globalBatch, extraction) };
}

/** All stages of a run by name, each as a function, in the order in which they run. */
function builders(context: TaskContext, layout: ParallelLayout): Readonly<Record<string, () => readonly StagePlan[]>> {
  const needs = datasetNeeds(context, layout);
  const dataset = preparedDataset(context, needs);
  const encoded = features(context);
  const trained = checkpoint(context, layout);
  const video = videoContext(context);
  const vae = vaeWeights(context);
  const encoder = textEncoder(context);
  const tensor = video?.run.inference.parallel.tensor ?? 1;
  return {
    download: () => downloads(context),
    convertVae: () => [convertVae(context)],
    convertDit: () => (video === undefined ? [] : conversions(video, layout)),
    prepareDataset: () => [prepareDataset(context, dataset, needs)],
    extractFeatures: () => [
      extractFeatures(context, extractionLayout(context), { vae, textEncoder: encoder, dataset, features: encoded }),
    ],
    pretrain: () => [
      pretrain(context, layout, {
        vae,
        textEncoder: encoder,
        initial: initialWeights(context, layout),
        data: video === undefined ? encoded : dataset,
        checkpoint: trained,
      }),
    ],
    resplit: () => [resplit(context, trained, mergedWeights(context, trained, tensor), tensor)],
    inference: () => (video === undefined ? [] : [inference(video, layout)]),
    evaluate: () => (video === undefined ? [] : [evaluate(video, layout)]),
  };
}

const isError = ({ severity }: Diagnostic): boolean => severity === "error";

/** Findings with paths from the environment down. */
const inRun = (
  { runName }: TaskContext,
  found: readonly (Omit<Diagnostic, "path"> & { readonly path: readonly (string | number)[] })[],
): readonly Diagnostic[] => found.map((problem) => ({ ...problem, path: ["runs", runName, ...problem.path] }));

function problems(context: TaskContext, layout: ParallelLayout): readonly Diagnostic[] {
  const found = [
    ...trainingLayoutProblems(context),
    ...trainingProblems(context.run),
    ...stageProblems(context, layout),
    ...downloadProblems(context),
    ...(isVideoContext(context) ? inferenceProblems(context) : []),
  ];
  return inRun(context, found);
}

/** Plans one run. Its stages are missing when anything is wrong with it. */
export function planRun(runContext: RunContext<AnySettings>): RunPlan {
  const context: TaskContext = { ...runContext, task: taskOf(runContext.run) };
  const layout = trainingLayout(context);
  const diagnostics = problems(context, layout);
  if (diagnostics.some(isError)) return { layout, stages: [], diagnostics };
  const listed: readonly string[] = context.run.stages;
  const planned = Object.entries(builders(context, layout))
    .filter(([name]) => listed.includes(name))
    .flatMap(([, build]) => build())
    .map((stage) => ({ ...stage, inputs: [...awaitedDownloads(context, stage.inputs), ...stage.inputs] }))
    .map((stage) => withOverrides(context.run, stage));
  const found = inRun(
    context,
    planned.flatMap(({ findings }) => findings),
  );
  const stages = found.some(isError) ? [] : planned.map(({ stage }) => stage);
  return { layout, stages, diagnostics: [...diagnostics, ...found] };
}
