/** The layouts of a run's stages, and what the rules of `parallel/` find about them. */
import type { LayoutProblem, ModelFacts } from "../../parallel/facts.ts";
import { layoutOf, type ParallelLayout, type ParallelRequest } from "../../parallel/layout.ts";
import { latentFrameChoices, layoutProblems } from "../../parallel/rules.ts";
import type { RunFinding } from "../mindspeed-mm/finding.ts";
import { unstaged } from "./artifacts.ts";
import { assumedSequenceLength, autoencoderScale, captionLength } from "./facts.ts";
import type { VideoSettings } from "./surface/runs.ts";
import type { TaskContext } from "./task.ts";

const [temporalStride] = autoencoderScale;

/** Weights that the converter drops when it cuts image-to-video weights for pipeline stages. */
const keysLostWithPipeline = ["pos_embed_mask.*", "pos_embed_masked_hidden_states.*"];

const modelFacts = ({ task }: TaskContext, latentFrames: readonly number[]): ModelFacts => ({
  attentionHeads: task.predictor.attentionHeads,
  layers: task.predictor.layers,
  sequenceLength: assumedSequenceLength,
  captionLength,
  // No usable length at all is a mistake of the clip settings, which a rule of their own reports.
  ...(latentFrames.length === 0 ? {} : { latentFrames }),
  temporalStride,
  ...(task.name === "i2v" ? { keysLostWithPipeline } : {}),
});

/** The layout of the training. */
export const trainingLayout = ({ run, npusPerNode, task }: TaskContext): ParallelLayout =>
  layoutOf(run.parallel, run.batch, run.nodes * npusPerNode, task.predictor.layers);

const plain = {
  ...unstaged(1),
  layersPerStage: undefined,
  context: 1,
  sequence: false,
  contextAlgorithm: { kind: "ulysses" },
  vaeContext: 1,
  encoderData: false,
  encoderOffloadInterval: 1,
} as const satisfies ParallelRequest;

/** The layout of the feature extraction: every NPU encodes clips of its own. */
export const extractionLayout = ({ run, npusPerNode, task }: TaskContext): ParallelLayout =>
  layoutOf(
    { ...plain, sequence: true },
    { micro: run.batch.micro, accumulation: 1 },
    run.nodes * npusPerNode,
    task.predictor.layers,
  );

const inferenceRequest = ({ run }: TaskContext<VideoSettings>): ParallelRequest => ({
  ...plain,
  ...run.inference.parallel,
});

/** The layout of inference and evaluation. There is no pipeline: its checkpoints cannot be merged, nor its stages inferred. */
export const inferenceLayout = (context: TaskContext<VideoSettings>): ParallelLayout =>
  layoutOf(
    inferenceRequest(context),
    context.run.inference.batch,
    context.run.inference.npus,
    context.task.predictor.layers,
  );

/** What is wrong with the layout of the training; paths are relative to the run. */
export function trainingLayoutProblems(context: TaskContext): readonly LayoutProblem[] {
  const { run, npusPerNode, task } = context;
  const { clip } = task;
  const connections = run.environmentVariables.CUDA_DEVICE_MAX_CONNECTIONS;
  return layoutProblems({
    request: run.parallel,
    batch: run.batch,
    nodes: run.nodes,
    npusPerNode,
    model: modelFacts(context, latentFrameChoices(clip.minimumFrames, clip.frames, temporalStride)),
    run: {
      resolution: clip.size.kind === "area" ? "dynamic" : "static",
      saveInterval: run.training.saveInterval,
      autoencoderType: "bf16",
      usesFeatures: task.name === "t2v-features",
      ...(run.training.recomputeLayers === 0
        ? {}
        : { recompute: { granularity: "full", method: "block", layers: run.training.recomputeLayers } }),
      ...(connections === undefined ? {} : { deviceConnections: connections }),
    },
  });
}

/** What is wrong with the layout of inference and evaluation; paths are relative to the run. */
export function inferenceLayoutProblems(context: TaskContext<VideoSettings>): readonly RunFinding[] {
  const { inference } = context.run;
  return layoutProblems({
    request: inferenceRequest(context),
    batch: inference.batch,
    nodes: 1,
    npusPerNode: inference.npus,
    model: modelFacts(context, [(inference.frames - 1) / temporalStride + 1]),
  }).map((problem) => ({ ...problem, path: ["inference", ...problem.path] }));
}
