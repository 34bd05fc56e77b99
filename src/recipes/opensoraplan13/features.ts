/** Extracts features: clips and captions are encoded once, so that a training needs no encoder. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import { autoencoderFile } from "./artifacts.ts";
import { dataFile } from "./data-file.ts";
import { modelFile } from "./model-file.ts";
import { npuVariables } from "./pretrain.ts";
import { commonParts, configurationFolder, json, npuResources } from "./stage-parts.ts";
import type { TaskContext } from "./task.ts";
import { toolFile } from "./tool-file.ts";
import { extractionArguments, extractionWorkers } from "./training-arguments.ts";

/** What the extraction reads and makes. */
export interface ExtractionArtifacts {
  readonly vae: Artifact;
  readonly textEncoder: Artifact;
  readonly dataset: Artifact;
  readonly features: Artifact;
}

/** Encodes every clip of the prepared list, on all NPUs of the run. */
export function extractFeatures(
  context: TaskContext,
  layout: ParallelLayout,
  { vae, textEncoder, dataset, features }: ExtractionArtifacts,
): StagePlan {
  const { run, npusPerNode, task } = context;
  const files = {
    data: posix.join(configurationFolder, "data.json"),
    model: posix.join(configurationFolder, task.files.model),
    tool: posix.join(configurationFolder, "tools.json"),
  };
  const dataPaths = { dataList: posix.join(dataset.path, "data.txt"), textEncoder: textEncoder.path };
  const modelPaths = { autoencoder: posix.join(vae.path, autoencoderFile), textEncoder: textEncoder.path };
  return {
    ...commonParts(context),
    stage: "extractFeatures",
    kind: "npu",
    nodes: run.nodes,
    npusPerNode,
    layout,
    launch: { kind: "torchrun", masterPort: run.training.masterPort },
    program: [
      "mindspeed_mm/tools/feature_extraction/get_sora_feature.py",
      ...extractionArguments(run.training, layout, files),
    ],
    environment: npuVariables(context),
    files: {
      [files.data]: json(dataFile(task, dataPaths, extractionWorkers)),
      [files.model]: json(modelFile(task, layout, modelPaths)),
      [files.tool]: json(toolFile(features.path)),
    },
    inputs: [vae, textEncoder, dataset],
    outputs: [features],
    volumes: ["weights", "dataset", "checkpoints"],
    success: { kind: "outputs" },
    resources: npuResources(context, npusPerNode),
    wait: { kind: "none" },
  };
}
