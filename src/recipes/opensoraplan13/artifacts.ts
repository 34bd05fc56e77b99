/** The artifacts that the stages of an OpenSoraPlan1.3 run make, and where they lie in the pod. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import { type ArtifactIdentity, artifactIdentity } from "../../stages/artifacts.ts";
import type { Artifact } from "../../stages/stage-plan.ts";
import { type Clip, converterVersion } from "./facts.ts";
import type { TaskContext } from "./task.ts";

/** Artifacts of this model belong to the family, not to one task, when text-to-video and image-to-video can share them. */
const family = "opensoraplan1.3";

/** Name of the converted autoencoder inside its artifact folder. */
export const autoencoderFile = "wfvae_mm.pt";

/** The part of a layout that decides how weights are cut. */
export type WeightLayout = Pick<ParallelLayout, "tensor" | "pipeline" | "virtualPipeline" | "layersPerStage">;

/** Weights that are not cut into stages; tensor parallel ranks hold a share of each layer. */
export const unstaged = (tensor: number): WeightLayout => ({
  tensor,
  pipeline: 1,
  virtualPipeline: 1,
  layersPerStage: [],
});

const digits = (value: number, width: number): string => String(value).padStart(width, "0");

/**
 * Folder names of a checkpoint, one a model rank: two digits of the tensor parallel rank, then three of the pipeline rank when there
 * is a pipeline. Virtual chunks of a rank share its folder.
 */
export const rankFolders = ({ tensor, pipeline }: Pick<WeightLayout, "tensor" | "pipeline">): readonly string[] =>
  Array.from({ length: tensor }, (_, rank) =>
    pipeline === 1
      ? [`mp_rank_${digits(rank, 2)}`]
      : Array.from({ length: pipeline }, (__, stage) => `mp_rank_${digits(rank, 2)}_${digits(stage, 3)}`),
  ).flat();

/**
 * `pp_layers` of the converter and `pipeline_num_layers` of the model file: one list, or with virtual pipelining one a chunk.
 * Meaningless without a pipeline.
 */
export const stageLayers = ({
  virtualPipeline,
  layersPerStage,
}: WeightLayout): readonly number[] | readonly (readonly number[])[] =>
  virtualPipeline > 1 ? layersPerStage : layersPerStage.flat();

const layoutFacts = ({ task }: TaskContext, layout: WeightLayout): ArtifactIdentity["layout"] => ({
  tensor: layout.tensor,
  pipeline: layout.pipeline,
  layers: task.predictor.layers,
  ...(layout.pipeline > 1 ? { stages: JSON.stringify(stageLayers(layout)) } : {}),
});

const layoutText = ({ tensor, pipeline }: WeightLayout): string =>
  pipeline > 1 ? `tensor parallel ${tensor} and pipeline parallel ${pipeline}` : `tensor parallel ${tensor}`;
const layoutSuffix = ({ tensor, pipeline }: WeightLayout): string =>
  pipeline > 1 ? `tensor${tensor}-pipeline${pipeline}` : `tensor${tensor}`;

const converted = ({ environment }: TaskContext): string =>
  posix.join(environment.storage.weights.mountPath, "converted", family);

/** The autoencoder in MindSpeed-MM's form; both video tasks share it. */
export function vaeWeights(context: TaskContext): Artifact {
  const identity = artifactIdentity(
    "vae-weights",
    family,
    {},
    { source: context.run.sources.vae, converter: converterVersion },
  );
  return {
    kind: "vae-weights",
    title: "converted video autoencoder",
    volume: "weights",
    path: posix.join(converted(context), `vae-${identity.key}`),
    identity,
    requiredFiles: [autoencoderFile],
    remedy: "run the stage convertVae",
  };
}

/**
 * Downloaded DiT weights in MindSpeed-MM's form, cut for a layout.
 *
 * @param source folder of the download, below the weights volume
 */
export function ditWeights(context: TaskContext, source: string, layout: WeightLayout): Artifact {
  const { name } = context.task;
  const identity = artifactIdentity("dit-weights", `${family}/${name}`, layoutFacts(context, layout), {
    source,
    converter: converterVersion,
  });
  return {
    kind: "dit-weights",
    title: `DiT weights converted for ${layoutText(layout)}`,
    volume: "weights",
    path: posix.join(converted(context), `${name}-dit-${layoutSuffix(layout)}-${identity.key}`),
    identity,
    requiredFiles: [],
    checkpoint: { rankFolders: rankFolders(layout) },
    remedy: "run the stage convertDit",
  };
}

/** A folder of weights in MindSpeed-MM's form that the user brings. */
export const ownWeights = (
  { environment }: TaskContext,
  folder: string,
  layout: WeightLayout,
  setting: string,
): Artifact => ({
  kind: "dit-weights",
  title: `own weights, cut for ${layoutText(layout)}`,
  volume: "weights",
  path: posix.join(environment.storage.weights.mountPath, folder),
  requiredFiles: [],
  checkpoint: { rankFolders: rankFolders(layout) },
  remedy: `put them there, or set ${setting}`,
});

/** The clip's facts as they stand in identities. */
const clipFacts = ({ size, ...clip }: Clip): Readonly<Record<string, unknown>> =>
  size.kind === "fixed"
    ? { ...clip, height: size.height, width: size.width }
    : {
        ...clip,
        maximumArea: size.maximum,
        ...(size.minimum === undefined ? {} : { minimumArea: size.minimum }),
      };

/** Overrides as a part of what something is made from; nothing when there are none, so that keys stay what they are. */
export const overrideFacts = (overrides: Readonly<Record<string, object>>): Readonly<Record<string, unknown>> => {
  const given = Object.entries(overrides).filter(([, section]) => Object.keys(section).length > 0);
  return given.length === 0 ? {} : { overrides: Object.fromEntries(given) };
};

/** What is trained on, whatever the layout. */
const datasetFacts = ({ environment, run, task }: TaskContext): Readonly<Record<string, unknown>> => ({
  ...run.dataset,
  ...overrideFacts({ data: run.overrides.data }),
  clip: clipFacts(task.clip),
  mount: environment.storage.dataset.mountPath,
});

/** The list of clips that a training or an extraction can use. */
export function preparedDataset(
  context: TaskContext,
  needs: { readonly context: number; readonly globalBatch: number },
): Artifact {
  const { environment, task } = context;
  const resolution = task.clip.size.kind === "area" ? "dynamic" : "static";
  const identity = artifactIdentity(
    "prepared-dataset",
    `${family}/${task.name}`,
    { context: needs.context, globalBatch: needs.globalBatch, resolution },
    datasetFacts(context),
  );
  return {
    kind: "prepared-dataset",
    title: "list of usable training clips",
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, "datasets", identity.key),
    identity,
    requiredFiles: ["data.txt"],
    remedy: "run the stage prepareDataset",
  };
}

/** Encoded clips and captions. The program learns the folder from a file, and every node writes to it. */
export function features(context: TaskContext): Artifact {
  const { environment, run, task } = context;
  const { vae, textEncoder } = run.sources;
  const extraction = run.recipe === "opensoraplan1.3/t2v-features" ? overrideFacts(run.extraction.overrides) : {};
  const madeFrom = { ...datasetFacts(context), vae, textEncoder, ...extraction };
  const identity = artifactIdentity("features", `${family}/${task.name}`, {}, madeFrom);
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

/** What a run trains. */
export function checkpoint(context: TaskContext, layout: WeightLayout): Artifact {
  const { environment, runName, task } = context;
  return {
    kind: "checkpoint",
    title: "training checkpoints",
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, "runs", runName),
    identity: artifactIdentity("checkpoint", `${family}/${task.name}`, layoutFacts(context, layout), { run: runName }),
    requiredFiles: [],
    checkpoint: { rankFolders: rankFolders(layout) },
    remedy: "choose another run name, or the layout that the checkpoints were saved with",
  };
}

/** The trained weights of a run, cut anew. */
export function mergedWeights(context: TaskContext, trained: Artifact, tensor: number): Artifact {
  const { run, runName, task, environment } = context;
  const identity = artifactIdentity(
    "merged-weights",
    `${family}/${task.name}`,
    layoutFacts(context, unstaged(tensor)),
    {
      checkpoint: trained.identity?.key,
      iterations: run.training.iterations,
      converter: converterVersion,
    },
  );
  return {
    kind: "merged-weights",
    title: `trained weights, cut for tensor parallel ${tensor}`,
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, "merged", `${runName}-${identity.key}`),
    identity,
    requiredFiles: [],
    checkpoint: { rankFolders: rankFolders(unstaged(tensor)) },
    remedy: "run the stage resplit when the training is complete",
  };
}

/**
 * What inference or evaluation of a run makes. The program learns the folder from a file and writes straight into it.
 *
 * @param madeFrom everything that decides the content; a change gives a new folder and a new Job
 */
export function results(
  { environment, runName, task }: TaskContext,
  kind: "videos" | "evaluation",
  requiredFiles: readonly string[],
  madeFrom: Readonly<Record<string, unknown>>,
): Artifact {
  const identity = artifactIdentity(kind, `${family}/${task.name}`, {}, { run: runName, ...madeFrom });
  return {
    kind,
    title: kind === "videos" ? "generated videos" : "results of the evaluation",
    volume: "checkpoints",
    path: posix.join(environment.storage.checkpoints.mountPath, kind, `${runName}-${identity.key}`),
    identity,
    requiredFiles,
    isWrittenInPlace: true,
    remedy: kind === "videos" ? "run the stage inference" : "run the stage evaluate",
  };
}
