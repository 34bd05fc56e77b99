/** The stages of a Wan2.1 run. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import { interfaceVariables } from "../mindspeed-mm/fields.ts";
import { commonParts, configurationFolder, json, npuResources, processorStage } from "../mindspeed-mm/stage-parts.ts";
import { toolFile } from "../mindspeed-mm/tool-file.ts";
import { extractionArguments, pretrainArguments } from "./arguments.ts";
import {
  autoencoder,
  type Context,
  checkpoint,
  datasetSource,
  ditWeights,
  features,
  textEncoder,
  tokeniser,
  transformer,
} from "./artifacts.ts";
import { featureDataFile, videoDataFile } from "./data-file.ts";
import { clipFilter } from "./facts.ts";
import { extractionModelFile, trainingModelFile } from "./model-file.ts";
import { shardingFile } from "./sharding-file.ts";
import { extractionVariables, trainingVariables } from "./variables.ts";

const configuration = (name: string): string => posix.join(configurationFolder, name);

/** Converts the downloaded transformer. The converter holds it once: FSDP2 needs no copies for tensor parallel ranks. */
export function convertDit(context: Context): StagePlan {
  const source = transformer(context);
  const output = ditWeights(context);
  return processorStage(context, context.run.conversion, {
    stage: "convertDit",
    conversion: {
      sourcePath: source.path,
      sourceFiles: ["**/*.safetensors"],
      copies: 1,
      memorySetting: "conversion.memoryGiB",
    },
    program: [
      ...["mm-convert", "WanConverter", "hf_to_mm", "--cfg.source_path", source.path],
      ...["--cfg.target_path", output.path, "--cfg.target_parallel_config.pp_layers", "[]"],
    ],
    inputs: [source],
    outputs: [output],
    volumes: ["weights"],
  });
}

/** Filters annotations to the clips that the extraction can use. */
export function prepareDataset(context: Context, output: Artifact, globalBatch: number): StagePlan {
  const { environment, run } = context;
  const { clip } = run;
  const mount = environment.storage.dataset.mountPath;
  return processorStage(context, run.datasetPreparation, {
    stage: "prepareDataset",
    program: [
      ...["python3", environment.image.runtimeFolder, "prepare-dataset"],
      ...["--data-folder", posix.join(mount, run.dataset.folder)],
      ...run.dataset.annotations.flatMap((annotation) => ["--annotation", posix.join(mount, annotation)]),
      ...["--output", output.path],
      ...["--frames", String(clip.frames), "--minimum-frames", String(clipFilter.minimumFrames)],
      ...["--context-parallel", "1", "--global-batch-size", String(globalBatch), "--resolution", "dynamic"],
      ...["--maximum-area", String(clip.height * clip.width), "--train-fps", String(clip.framesPerSecond)],
      ...["--stride", String(clipFilter.stride), "--aspect-limit", String(clipFilter.aspectLimit)],
    ],
    inputs: [datasetSource(context)],
    outputs: [output],
    volumes: ["dataset", "checkpoints"],
  });
}

/** Encodes every clip of the list, so that the training needs no encoder. */
export function extractFeatures(context: Context, layout: ParallelLayout, dataset: Artifact): StagePlan {
  const { run } = context;
  const vae = autoencoder(context);
  const encoder = textEncoder(context);
  const words = tokeniser(context);
  const output = features(context);
  const files = {
    data: configuration("data.json"),
    model: configuration("model_t2v.json"),
    tool: configuration("tools.json"),
  };
  return {
    ...commonParts(context),
    stage: "extractFeatures",
    kind: "npu",
    nodes: 1,
    npusPerNode: run.extraction.npus,
    layout,
    launch: { kind: "torchrun", masterPort: run.training.masterPort },
    program: ["./mindspeed_mm/tools/feature_extraction/get_wan_feature.py", ...extractionArguments(layout, files)],
    environment: { ...extractionVariables, ...run.environmentVariables },
    files: {
      [files.data]: json(videoDataFile(run.clip, posix.join(dataset.path, "data.txt"), words.path)),
      [files.model]: json(extractionModelFile({ autoencoder: vae.path, textEncoder: encoder.path })),
      [files.tool]: json(toolFile(output.path)),
    },
    inputs: [vae, encoder, words, dataset],
    outputs: [output],
    volumes: ["weights", "dataset", "checkpoints"],
    success: { kind: "outputs" },
    resources: npuResources(context, run.extraction.npus),
    wait: { kind: "none" },
  };
}

/** Trains on features. */
export function pretrain(context: Context, layout: ParallelLayout): StagePlan {
  const { environment, run, npusPerNode } = context;
  const { keepLast, keepEvery } = run.training;
  const weights = ditWeights(context);
  const words = tokeniser(context);
  const data = features(context);
  const output = checkpoint(context);
  const files = {
    data: configuration("feature_data.json"),
    model: configuration("pretrain_model.json"),
    tool: configuration("tools.json"),
    sharding: configuration("fsdp2_config.yaml"),
  };
  return {
    ...commonParts(context),
    stage: "pretrain",
    kind: "npu",
    nodes: run.nodes,
    npusPerNode,
    layout,
    launch: { kind: "torchrun", masterPort: run.training.masterPort },
    program: [
      "pretrain_sora.py",
      ...pretrainArguments(run, layout, { ...files, save: output.path, pretrainedCheckpoint: weights.path }),
    ],
    environment: {
      ...trainingVariables,
      ...(run.nodes > 1 ? interfaceVariables(environment.cluster.network.interface) : {}),
      ...run.environmentVariables,
    },
    files: {
      [files.data]: json(featureDataFile(run.clip, data.path, words.path)),
      [files.model]: json(trainingModelFile()),
      [files.tool]: json(toolFile()),
      [files.sharding]: shardingFile(run.sharding),
    },
    inputs: [weights, words, data],
    outputs: [output],
    volumes: ["weights", "checkpoints"],
    success: {
      kind: "checkpoint",
      checkpoint: output,
      iteration: run.training.iterations,
      ...(keepLast === undefined ? {} : { retention: { keepLast, ...(keepEvery === undefined ? {} : { keepEvery }) } }),
    },
    resources: npuResources(context, npusPerNode),
    wait: { kind: "none" },
    restarts: run.restarts,
  };
}
