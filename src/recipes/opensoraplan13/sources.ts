/** What the user brings to an OpenSoraPlan1.3 run: downloaded weights, videos, pictures. */
import { posix } from "node:path";
import type { Artifact } from "../../stages/stage-plan.ts";
import type { TaskContext } from "./task.ts";

/** A file name as a pattern that matches itself alone. */
const literalPattern = (name: string): string => name.replaceAll(/[[\]*?]/g, (character) => `[${character}]`);

/** The downloaded video autoencoder. */
export const vaeSource = ({ environment, run }: TaskContext): Artifact => ({
  kind: "vae-source",
  title: "downloaded video autoencoder (one checkpoint file)",
  volume: "weights",
  path: posix.join(environment.storage.weights.mountPath, run.sources.vae),
  requiredFiles: [],
  remedy: "download it from the Hugging Face repository LanguageBind/Open-Sora-Plan-v1.3.0, or set sources.vae",
});

/**
 * Downloaded DiT weights.
 *
 * @param folder below the weights volume
 */
export const ditSource = ({ environment }: TaskContext, folder: string): Artifact => ({
  kind: "dit-source",
  title: "downloaded DiT weights (a folder of safetensors files)",
  volume: "weights",
  path: posix.join(environment.storage.weights.mountPath, folder),
  requiredFiles: ["**/*.safetensors"],
  remedy: "download them from the Hugging Face repository LanguageBind/Open-Sora-Plan-v1.3.0, or set sources.dit",
});

/** The downloaded text encoder. */
export const textEncoder = ({ environment, run }: TaskContext): Artifact => ({
  kind: "text-encoder",
  title: "text encoder mT5-xxl (a Hugging Face folder)",
  volume: "weights",
  path: posix.join(environment.storage.weights.mountPath, run.sources.textEncoder),
  requiredFiles: ["config.json"],
  remedy: "download the Hugging Face repository google/mt5-xxl, or set sources.textEncoder",
});

/** Videos and annotation files of the training. */
export const datasetSource = ({ environment, run }: TaskContext): Artifact => ({
  kind: "dataset-source",
  title: "videos and annotation files",
  volume: "dataset",
  path: environment.storage.dataset.mountPath,
  requiredFiles: run.dataset.annotations,
  remedy: "put the annotation files there, or set dataset.annotations",
});

/**
 * Files of the dataset volume that a stage reads.
 *
 * @param files below the dataset volume
 */
export const datasetFiles = (
  { environment }: TaskContext,
  title: string,
  files: readonly string[],
  remedy: string,
): Artifact => ({
  kind: "dataset-source",
  title,
  volume: "dataset",
  path: environment.storage.dataset.mountPath,
  requiredFiles: files.map(literalPattern),
  remedy,
});
