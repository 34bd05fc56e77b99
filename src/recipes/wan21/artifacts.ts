/** What a Wan2.1 run reads and makes, and where it lies in the pod. */
import { posix } from "node:path";
import { artifactIdentity, distributedCheckpoint } from "../../stages/artifacts.ts";
import type { Artifact } from "../../stages/stage-plan.ts";
import type { RunContext } from "../recipe.ts";
import { clipFilter, predictor, recipeName, sourceFolders } from "./facts.ts";
import type { TextToVideoSettings } from "./surface.ts";

/** What a stage of this folder is planned from. */
export type Context = RunContext<TextToVideoSettings>;

const download = "the Hugging Face repository Wan-AI/Wan2.1-T2V-1.3B-Diffusers, or set sources.folder";

/** One part of the downloaded model. */
function source(
  { environment, run }: Context,
  part: keyof typeof sourceFolders,
  artifact: Pick<Artifact, "kind" | "title" | "requiredFiles">,
): Artifact {
  return {
    ...artifact,
    volume: "weights",
    path: posix.join(environment.storage.weights.mountPath, run.sources.folder, sourceFolders[part]),
    remedy: `download ${download}`,
  };
}

/** The downloaded transformer. */
export const transformer = (context: Context): Artifact =>
  source(context, "transformer", {
    kind: "dit-source",
    title: "downloaded transformer (a folder of safetensors files)",
    requiredFiles: ["**/*.safetensors"],
  });

/** The video autoencoder; it is read as it was downloaded. */
export const autoencoder = (context: Context): Artifact =>
  source(context, "autoencoder", {
    kind: "vae-source",
    title: "video autoencoder (a Hugging Face folder)",
    requiredFiles: ["config.json", "*.safetensors"],
  });

/** The text encoder UMT5; it is read as it was downloaded. */
export const textEncoder = (context: Context): Artifact =>
  source(context, "textEncoder", {
    kind: "text-encoder",
    title: "text encoder UMT5 (a Hugging Face folder)",
    requiredFiles: ["config.json", "*.safetensors"],
  });

/** The tokeniser of the text encoder. */
export const tokeniser = (context: Context): Artifact =>
  source(context, "tokeniser", {
    kind: "text-encoder",
    title: "tokeniser of UMT5 (a Hugging Face folder)",
    requiredFiles: ["tokenizer_config.json"],
  });

/** Videos and annotation files. */
export const datasetSource = ({ environment, run }: Context): Artifact => ({
  kind: "dataset-source",
  title: "videos and annotation files",
  volume: "dataset",
  path: environment.storage.dataset.mountPath,
  requiredFiles: run.dataset.annotations,
  remedy: "put the annotation files there, or set dataset.annotations",
});

/** The transformer in MindSpeed-MM's form: one rank, which FSDP2 spreads when it loads it. */
export function ditWeights({ environment, run }: Context): Artifact {
  const layout = { tensor: 1, pipeline: 1, layers: predictor.layers };
  const identity = artifactIdentity("dit-weights", recipeName, layout, { source: run.sources.folder });
  return {
    kind: "dit-weights",
    title: "converted transformer",
    volume: "weights",
    path: posix.join(environment.storage.weights.mountPath, "converted", recipeName, `dit-${identity.key}`),
    identity,
    requiredFiles: [],
    checkpoint: { rankFolders: ["mp_rank_00"] },
    remedy: "run the stage convertDit",
  };
}

const datasetFacts = ({ environment, run }: Context): Readonly<Record<string, unknown>> => ({
  ...run.dataset,
  clip: { ...run.clip, ...clipFilter },
  mount: environment.storage.dataset.mountPath,
});

/** The list of clips that an extraction can use. */
export function preparedDataset(context: Context, globalBatch: number): Artifact {
  const layout = { context: 1, globalBatch, resolution: "dynamic" };
  const identity = artifactIdentity("prepared-dataset", recipeName, layout, datasetFacts(context));
  return {
    kind: "prepared-dataset",
    title: "list of usable training clips",
    volume: "checkpoints",
    path: posix.join(context.environment.storage.checkpoints.mountPath, "datasets", identity.key),
    identity,
    requiredFiles: ["data.txt"],
    remedy: "run the stage prepareDataset",
  };
}

/** Encoded clips and captions. */
export function features(context: Context): Artifact {
  const { run, environment } = context;
  const { overrides } = run.extraction;
  const changes = Object.values(overrides).some((part) => Object.keys(part).length > 0) ? { overrides } : {};
  const madeFrom = { ...datasetFacts(context), source: run.sources.folder, ...changes };
  const identity = artifactIdentity("features", recipeName, {}, madeFrom);
  return {
    kind: "features",
    title: "extracted features",
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, "features", identity.key),
    identity,
    requiredFiles: ["data.jsonl", "features/*.pt"],
    isWrittenInPlace: true,
    remedy: "run the stage extractFeatures and wait for its end",
  };
}

/** What a run trains. Any number of ranks can go on from it: the format torch_dcp is spread anew when it is loaded. */
export function checkpoint({ environment, runName }: Context): Artifact {
  const layout = { layers: predictor.layers, format: "torch_dcp" };
  return {
    kind: "checkpoint",
    title: "training checkpoints",
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, "runs", runName),
    identity: artifactIdentity("checkpoint", recipeName, layout, { run: runName }),
    requiredFiles: [],
    checkpoint: distributedCheckpoint,
    remedy: "choose another run name",
  };
}
