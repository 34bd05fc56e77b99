/** Makes videos with converted or trained weights, and judges them. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import {
  autoencoderFile,
  checkpoint,
  ditWeights,
  mergedWeights,
  overrideFacts,
  ownWeights,
  results,
  unstaged,
  vaeWeights,
} from "./artifacts.ts";
import { inferenceVariables } from "./environment-variables.ts";
import { inferenceArguments } from "./inference-arguments.ts";
import { type Condition, type InferencePaths, inferenceFile } from "./inference-file.ts";
import { inferenceLayout } from "./layouts.ts";
import { datasetFiles, textEncoder } from "./sources.ts";
import { commonParts, configurationFolder, json, npuResources } from "./stage-parts.ts";
import type { VideoSettings } from "./surface/runs.ts";
import type { TaskContext } from "./task.ts";

type VideoContext = TaskContext<VideoSettings>;

/**
 * The weights of inference and evaluation. Trained ones are used as they are when they are cut alike and no stage cuts them anew.
 *
 * @param trained layout of the training
 */
export function inferenceWeights(context: VideoContext, trained: ParallelLayout): Artifact {
  const { run } = context;
  const { weights, parallel } = run.inference;
  const layout = unstaged(parallel.tensor);
  if (weights === "converted") return ditWeights(context, run.sources.dit, layout);
  if (weights !== "trained") return ownWeights(context, weights.folder, layout, "inference.weights.folder");
  const saved = checkpoint(context, trained);
  const isCutAlike = trained.pipeline === 1 && trained.tensor === parallel.tensor;
  return isCutAlike && !run.stages.includes("resplit")
    ? { ...saved, remedy: "wait until the stage pretrain is complete" }
    : mergedWeights(context, saved, parallel.tensor);
}

/** Pictures or videos to start from, one list a prompt; none for text-to-video. */
export function conditions(run: VideoSettings): readonly (readonly string[])[] {
  if (run.recipe === "opensoraplan1.3/t2v") return [];
  return run.inference.images.map((entry) => (typeof entry === "string" ? [entry] : entry));
}

/** Endings that upstream takes for a video (mindspeed_mm/tasks/inference/pipeline/utils/sora_utils.py). */
export const isVideoFile = (path: string): boolean => /\.(mp4|avi|mov|mkv|flv|wmv|webm|mpeg|mpg|3gp)$/i.test(path);

/** What one list of pictures asks for. */
export const conditionOf = (files: readonly string[]): Condition =>
  files.some(isVideoFile) ? "continuation" : files.length === 2 ? "transition" : "i2v";

/** Paths that the files of inference and evaluation name. */
export function inferencePaths(context: VideoContext, vae: Artifact, saveFolder: string): InferencePaths {
  const names =
    context.task.name === "t2v"
      ? { prompts: "samples_prompt.txt", conditions: "" }
      : { prompts: "cond_prompt.txt", conditions: "cond_pix_path.txt" };
  return {
    autoencoder: posix.join(vae.path, autoencoderFile),
    textEncoder: textEncoder(context).path,
    save: `${saveFolder}/`,
    prompts: posix.join(configurationFolder, names.prompts),
    conditions: posix.join(configurationFolder, names.conditions),
  };
}

const lines = (values: readonly string[]): string => values.map((value) => `${value}\n`).join("");

/** The lists that the model file names: prompts, and for image-to-video what each starts from. */
export function inferenceLists({ run, task, environment }: VideoContext, paths: InferencePaths): StagePlan["files"] {
  const mount = environment.storage.dataset.mountPath;
  const pictures = conditions(run).map((files) => files.map((file) => posix.join(mount, file)).join(","));
  return {
    [paths.prompts]: lines(run.inference.prompts),
    ...(task.name === "i2v" ? { [paths.conditions]: lines(pictures) } : {}),
  };
}

/** Parts that inference and evaluation share. */
export function inferenceParts(context: VideoContext, layout: ParallelLayout) {
  const { run } = context;
  return {
    ...commonParts(context),
    kind: "npu",
    nodes: 1,
    npusPerNode: run.inference.npus,
    layout,
    launch: { kind: "torchrun", masterPort: run.inference.masterPort },
    patches: context.task.name === "i2v" ? ["i2v-inference-guidance"] : [],
    volumes: ["weights", "dataset", "checkpoints"],
    success: { kind: "outputs" },
    resources: npuResources(context, run.inference.npus),
    wait: { kind: "none" },
  } as const satisfies Partial<StagePlan>;
}

/** Everything that decides how a video looks, apart from what it shows. */
export function generationFacts({ run }: VideoContext, weights: Artifact): Readonly<Record<string, unknown>> {
  const { steps, guidance, frames, height, width, framesPerSecond } = run.inference;
  const trained = run.inference.weights === "trained" ? { iterations: run.training.iterations } : {};
  const vae = run.sources.vae;
  const sampling = { steps, guidance, frames, height, width, framesPerSecond };
  return { weights: weights.path, vae, ...sampling, ...trained };
}

/** Makes a video for each prompt. */
export function inference(context: VideoContext, trained: ParallelLayout): StagePlan {
  const { run, task } = context;
  const layout = inferenceLayout(context);
  const weights = inferenceWeights(context, trained);
  const vae = vaeWeights(context);
  const { prompts } = run.inference;
  const pictures = conditions(run);
  const output = results(context, "videos", [...prompts.map((_, index) => `video_${index}.mp4`), "video_grid.mp4"], {
    ...generationFacts(context, weights),
    ...overrideFacts(run.inference.overrides),
    prompts,
    pictures,
  });
  const paths = inferencePaths(context, vae, output.path);
  const model = posix.join(configurationFolder, `inference_${task.name}_model.json`);
  const condition = conditionOf(pictures[0] ?? []);
  const pictureInput = datasetFiles(
    context,
    "pictures to start from",
    pictures.flat(),
    "put them below the dataset volume, or set inference.images",
  );
  return {
    ...inferenceParts(context, layout),
    stage: "inference",
    program: [
      "inference_sora.py",
      ...inferenceArguments(layout, { model, load: weights.path }, run.inference.timeoutMinutes),
    ],
    environment: { ...inferenceVariables, ...run.environmentVariables },
    files: {
      [model]: json(inferenceFile(task, run.inference, paths, condition)),
      ...inferenceLists(context, paths),
    },
    inputs: [vae, weights, textEncoder(context), ...(pictures.length === 0 ? [] : [pictureInput])],
    outputs: [output],
  };
}
