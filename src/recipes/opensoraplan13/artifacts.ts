/** The artifacts of an OpenSoraPlan1.3 run: what the user brings, what the stages make, and where it lies in the pod. */
import { posix } from "node:path";
import type { Environment } from "../../config/schema.ts";
import type { ParallelLayout } from "../../parallel/layout.ts";
import { artifactIdentity } from "../../stages/artifacts.ts";
import type { Artifact } from "../../stages/stage-plan.ts";
import { clips, converterVersion, predictor } from "./facts.ts";
import type { TextToVideoSettings } from "./surface.ts";

/** Artifacts of this model belong to the family, not to one task, when text-to-video and image-to-video can share them. */
const family = "opensoraplan1.3";

/** All artifacts of one run by the role they play in it. */
export interface RunArtifacts {
  readonly vaeSource: Artifact;
  readonly ditSource: Artifact;
  readonly textEncoder: Artifact;
  readonly datasetSource: Artifact;
  readonly vaeWeights: Artifact;
  readonly ditWeights: Artifact;
  readonly preparedDataset: Artifact;
  readonly checkpoint: Artifact;
}

/** Name of the converted autoencoder inside its artifact folder. */
export const autoencoderFile = "wfvae_mm.pt";

/** Folder names of a checkpoint without pipeline parallelism: one a tensor parallel rank, two digits. */
export const rankFolders = (tensor: number): readonly string[] =>
  Array.from({ length: tensor }, (_, rank) => `mp_rank_${String(rank).padStart(2, "0")}`);

function sources(environment: Environment, run: TextToVideoSettings) {
  const weights = environment.storage.weights.mountPath;
  const dataset = environment.storage.dataset.mountPath;
  const vaeSource: Artifact = {
    kind: "vae-source",
    title: "downloaded video autoencoder (one checkpoint file)",
    volume: "weights",
    path: posix.join(weights, run.sources.vae),
    requiredFiles: [],
    remedy: "download it from the Hugging Face repository LanguageBind/Open-Sora-Plan-v1.3.0, or set sources.vae",
  };
  const ditSource: Artifact = {
    kind: "dit-source",
    title: "downloaded DiT weights (a folder of safetensors files)",
    volume: "weights",
    path: posix.join(weights, run.sources.dit),
    requiredFiles: ["**/*.safetensors"],
    remedy: "download them from the Hugging Face repository LanguageBind/Open-Sora-Plan-v1.3.0, or set sources.dit",
  };
  const textEncoder: Artifact = {
    kind: "text-encoder",
    title: "text encoder mT5-xxl (a Hugging Face folder)",
    volume: "weights",
    path: posix.join(weights, run.sources.textEncoder),
    requiredFiles: ["config.json"],
    remedy: "download the Hugging Face repository google/mt5-xxl, or set sources.textEncoder",
  };
  const datasetSource: Artifact = {
    kind: "dataset-source",
    title: "videos and annotation files",
    volume: "dataset",
    path: dataset,
    requiredFiles: run.dataset.annotations,
    remedy: "put the annotation files there, or set dataset.annotations",
  };
  return { vaeSource, ditSource, textEncoder, datasetSource };
}

/** The artifacts of a run. Paths of made artifacts carry their content key, so a changed layout never overwrites another's files. */
export function runArtifacts(
  environment: Environment,
  runName: string,
  run: TextToVideoSettings,
  layout: ParallelLayout,
): RunArtifacts {
  const { weights, checkpoints } = environment.storage;
  const brought = sources(environment, run);
  const vae = artifactIdentity("vae-weights", family, {}, { source: run.sources.vae, converter: converterVersion });
  const ditLayout = { tensor: layout.tensor, pipeline: layout.pipeline, layers: predictor.layers };
  const dit = artifactIdentity("dit-weights", `${family}/t2v`, ditLayout, {
    source: run.sources.dit,
    converter: converterVersion,
  });
  const dataset = artifactIdentity(
    "prepared-dataset",
    `${family}/t2v`,
    { context: layout.context, globalBatch: layout.globalBatch, resolution: run.resolution },
    { ...run.dataset, clip: clips[run.resolution], mount: environment.storage.dataset.mountPath },
  );
  const rank = { rankFolders: rankFolders(layout.tensor) };
  const converted = posix.join(weights.mountPath, "converted", family);
  return {
    ...brought,
    vaeWeights: {
      kind: "vae-weights",
      title: "converted video autoencoder",
      volume: "weights",
      path: posix.join(converted, `vae-${vae.key}`),
      identity: vae,
      requiredFiles: [autoencoderFile],
      remedy: "run the stage convertVae",
    },
    ditWeights: {
      kind: "dit-weights",
      title: `DiT weights converted for tensor parallel ${layout.tensor}`,
      volume: "weights",
      path: posix.join(converted, `t2v-dit-tensor${layout.tensor}-${dit.key}`),
      identity: dit,
      requiredFiles: [],
      checkpoint: rank,
      remedy: "run the stage convertDit",
    },
    preparedDataset: {
      kind: "prepared-dataset",
      title: "list of usable training clips",
      volume: "checkpoints",
      path: posix.join(checkpoints.mountPath, "datasets", dataset.key),
      identity: dataset,
      requiredFiles: ["data.txt"],
      remedy: "run the stage prepareDataset",
    },
    checkpoint: {
      kind: "checkpoint",
      title: "training checkpoints",
      volume: "checkpoints",
      path: posix.join(checkpoints.mountPath, "runs", runName),
      identity: artifactIdentity("checkpoint", `${family}/t2v`, ditLayout, { run: runName }),
      requiredFiles: [],
      checkpoint: rank,
      remedy: "choose another run name, or the layout that the checkpoints were saved with",
    },
  };
}
