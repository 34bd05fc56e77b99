/** The stages of an OpenSoraPlan1.3 text-to-video run: conversion of both weights, dataset preparation, pretraining. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { RunContext } from "../recipe.ts";
import { autoencoderFile, type RunArtifacts } from "./artifacts.ts";
import { dataFile } from "./data-file.ts";
import { interfaceVariables, pretrainVariables } from "./environment-variables.ts";
import { clips, converterVersion } from "./facts.ts";
import { modelFile } from "./model-file.ts";
import { pretrainArguments } from "./pretrain-arguments.ts";
import type { TextToVideoSettings } from "./surface.ts";
import { toolFile } from "./tool-file.ts";

type TextToVideoContext = RunContext<TextToVideoSettings>;

/** Folder of the pod in which a stage finds the files that its program reads. */
export const configurationFolder = "/etc/ascend-stacks";

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

type Common = Pick<StagePlan, "run" | "recipe" | "workingDirectory" | "environmentScripts" | "image" | "patches">;

const common = ({ environment, runName, run }: TextToVideoContext): Common => ({
  run: runName,
  recipe: run.recipe,
  workingDirectory: environment.image.workingDirectory,
  environmentScripts: environment.image.environmentScripts,
  image: "training",
  patches: [],
});

/** A stage that makes one artifact on processors only and is awaited. */
function processorStage(
  context: TextToVideoContext,
  settings: { readonly processorCores: number; readonly memoryGiB: number; readonly timeoutMinutes: number },
  stage: Pick<StagePlan, "stage" | "program" | "inputs" | "outputs" | "volumes">,
): StagePlan {
  return {
    ...common(context),
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
    restarts: 0,
  };
}

const converter = (command: string, ...fields: readonly (readonly [string, string])[]): readonly string[] => [
  "mm-convert",
  "OpenSoraPlanConverter",
  "--version",
  converterVersion,
  command,
  ...fields.flatMap(([name, value]) => [`--cfg.${name}`, value]),
];

/** Converts the downloaded autoencoder to the single file that MindSpeed-MM loads. */
export function convertVae(context: TextToVideoContext, artifacts: RunArtifacts): StagePlan {
  return processorStage(context, context.run.conversion, {
    stage: "convertVae",
    program: converter(
      "vae_convert",
      ["source_path", artifacts.vaeSource.path],
      ["target_path", posix.join(artifacts.vaeWeights.path, autoencoderFile)],
    ),
    inputs: [artifacts.vaeSource],
    outputs: [artifacts.vaeWeights],
    volumes: ["weights"],
  });
}

/** Converts the downloaded DiT weights and cuts them for the run's tensor parallel size. */
export function convertDit(context: TextToVideoContext, artifacts: RunArtifacts, layout: ParallelLayout): StagePlan {
  return processorStage(context, context.run.conversion, {
    stage: "convertDit",
    program: converter(
      "hf_to_mm",
      ["source_path", artifacts.ditSource.path],
      ["target_path", artifacts.ditWeights.path],
      ["target_parallel_config.tp_size", String(layout.tensor)],
      ["target_parallel_config.pp_layers", "[]"],
    ),
    inputs: [artifacts.ditSource],
    outputs: [artifacts.ditWeights],
    volumes: ["weights"],
  });
}

/** What the dataset check must know of picture sizes. In dynamic mode the trainer's smallest picture is a quarter of its largest. */
function sizeArguments(resolution: TextToVideoContext["run"]["resolution"]): readonly string[] {
  return resolution === "dynamic"
    ? ["--minimum-area", String(clips.dynamic.maximumArea / 4)]
    : ["--height", String(clips.static.height), "--width", String(clips.static.width)];
}

/** Filters the annotations to the clips that training can use and writes the list that the data file names. */
export function prepareDataset(
  context: TextToVideoContext,
  artifacts: RunArtifacts,
  layout: ParallelLayout,
): StagePlan {
  const { environment, run } = context;
  const mount = environment.storage.dataset.mountPath;
  const clip = clips[run.resolution];
  return processorStage(context, run.datasetPreparation, {
    stage: "prepareDataset",
    program: [
      "python3",
      environment.image.runtimeFolder,
      "prepare-dataset",
      ...["--data-folder", posix.join(mount, run.dataset.folder)],
      ...run.dataset.annotations.flatMap((annotation) => ["--annotation", posix.join(mount, annotation)]),
      ...["--output", artifacts.preparedDataset.path],
      ...["--frames", String(clip.frames), "--minimum-frames", String(clip.minimumFrames)],
      ...["--context-parallel", String(layout.context), "--global-batch-size", String(layout.globalBatch)],
      ...["--resolution", run.resolution],
      ...sizeArguments(run.resolution),
    ],
    inputs: [artifacts.datasetSource],
    outputs: [artifacts.preparedDataset],
    volumes: ["dataset", "checkpoints"],
  });
}

/** Trains: the guide's text-to-video pretraining. */
export function pretrain(context: TextToVideoContext, artifacts: RunArtifacts, layout: ParallelLayout): StagePlan {
  const { environment, run, shape, npusPerNode } = context;
  const paths = {
    dataFile: posix.join(configurationFolder, `data_${run.resolution}_resolution.json`),
    modelFile: posix.join(configurationFolder, "pretrain_t2v_model.json"),
    toolFile: posix.join(configurationFolder, "tools.json"),
    load: artifacts.checkpoint.path,
    pretrainedCheckpoint: artifacts.ditWeights.path,
    save: artifacts.checkpoint.path,
  };
  const encoder = artifacts.textEncoder.path;
  const share = npusPerNode / shape.npusPerNode;
  return {
    ...common(context),
    stage: "pretrain",
    kind: "npu",
    nodes: run.nodes,
    npusPerNode,
    layout,
    launch: { kind: "torchrun", masterPort: run.training.masterPort },
    program: ["pretrain_sora.py", ...pretrainArguments(run, layout, paths)],
    environment: {
      ...pretrainVariables,
      ...(run.nodes > 1 ? interfaceVariables(environment.cluster.network.interface) : {}),
      ...run.environmentVariables,
    },
    files: {
      [paths.dataFile]: json(
        dataFile(run.resolution, {
          dataList: posix.join(artifacts.preparedDataset.path, "data.txt"),
          textEncoder: encoder,
        }),
      ),
      [paths.modelFile]: json(
        modelFile({ autoencoder: posix.join(artifacts.vaeWeights.path, autoencoderFile), textEncoder: encoder }),
      ),
      [paths.toolFile]: json(toolFile),
    },
    inputs: [artifacts.vaeWeights, artifacts.ditWeights, artifacts.textEncoder, artifacts.preparedDataset],
    outputs: [artifacts.checkpoint],
    volumes: ["weights", "dataset", "checkpoints"],
    success: { kind: "checkpoint", checkpoint: artifacts.checkpoint, iteration: run.training.iterations },
    resources: {
      processorCores: run.resources.processorCores ?? Math.floor(shape.trainingProcessorCores * share),
      memoryGiB: run.resources.memoryGiB ?? Math.floor(shape.trainingMemoryGiB * share),
      sharedMemoryGiB: run.resources.sharedMemoryGiB,
    },
    wait: { kind: "none" },
    restarts: run.restarts,
  };
}
