/** The pretraining of all three tasks. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { Artifact, CheckpointRetention, StagePlan } from "../../stages/stage-plan.ts";
import { autoencoderFile } from "./artifacts.ts";
import { type DataPaths, dataFile } from "./data-file.ts";
import { interfaceVariables, trainingVariables } from "./environment-variables.ts";
import { modelFile } from "./model-file.ts";
import { commonParts, configurationFolder, json, npuResources } from "./stage-parts.ts";
import type { TrainingSettings } from "./surface/training.ts";
import type { TaskContext } from "./task.ts";
import { toolFile } from "./tool-file.ts";
import { pretrainArguments } from "./training-arguments.ts";

/** What a pretraining reads and makes. */
export interface PretrainArtifacts {
  /** Named in the model file; an input where the encoders run. */
  readonly vae: Artifact;
  readonly textEncoder: Artifact;
  /** Weights to start from; random ones when absent. */
  readonly initial: Artifact | undefined;
  /** The list of clips, or extracted features. */
  readonly data: Artifact;
  readonly checkpoint: Artifact;
}

/** Data loader processes that upstream's data files name; the argument wins over them. */
const fileWorkers = (file: string): number | undefined =>
  file === "data_static_resolution.json" || file === "data_feature.json" ? 4 : undefined;

const retention = ({ keepLast, keepEvery }: TrainingSettings): { readonly retention?: CheckpointRetention } =>
  keepLast === undefined ? {} : { retention: { keepLast, ...(keepEvery === undefined ? {} : { keepEvery }) } };

/** Variables of a training or of an extraction: upstream's, the network's, the user's. */
export const npuVariables = ({ environment, run, task }: TaskContext): StagePlan["environment"] => ({
  ...trainingVariables(task.name),
  ...(run.nodes > 1 ? interfaceVariables(environment.cluster.network.interface) : {}),
  ...run.environmentVariables,
});

/** Trains. */
export function pretrain(context: TaskContext, layout: ParallelLayout, artifacts: PretrainArtifacts): StagePlan {
  const { run, npusPerNode, task } = context;
  const { vae, textEncoder, initial, data, checkpoint } = artifacts;
  const readsFeatures = data.kind === "features";
  const files = {
    data: posix.join(configurationFolder, task.files.data),
    model: posix.join(configurationFolder, task.files.model),
    tool: posix.join(configurationFolder, "tools.json"),
  };
  const dataPaths: DataPaths = readsFeatures
    ? { dataList: posix.join(data.path, "data.jsonl"), featureFolder: `${data.path}/`, textEncoder: textEncoder.path }
    : { dataList: posix.join(data.path, "data.txt"), textEncoder: textEncoder.path };
  const modelPaths = { autoencoder: posix.join(vae.path, autoencoderFile), textEncoder: textEncoder.path };
  return {
    ...commonParts(context),
    stage: "pretrain",
    kind: "npu",
    nodes: run.nodes,
    npusPerNode,
    layout,
    patches: readsFeatures ? ["feature-training-without-mask"] : [],
    launch: { kind: "torchrun", masterPort: run.training.masterPort },
    program: [
      "pretrain_sora.py",
      ...pretrainArguments(run.training, layout, {
        ...files,
        save: checkpoint.path,
        pretrainedCheckpoint: initial?.path,
      }),
    ],
    environment: npuVariables(context),
    files: {
      [files.data]: json(dataFile(task, dataPaths, fileWorkers(task.files.data))),
      [files.model]: json(modelFile(task, layout, modelPaths)),
      [files.tool]: json(toolFile()),
    },
    inputs: [...(readsFeatures ? [] : [vae]), ...(initial === undefined ? [] : [initial]), textEncoder, data],
    outputs: [checkpoint],
    volumes: readsFeatures ? ["weights", "checkpoints"] : ["weights", "dataset", "checkpoints"],
    success: { kind: "checkpoint", checkpoint, iteration: run.training.iterations, ...retention(run.training) },
    resources: npuResources(context, npusPerNode),
    wait: { kind: "none" },
    restarts: run.restarts,
  };
}
