/** OpenSoraPlan1.3 text-to-video: the recipe `opensoraplan1.3/t2v`. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { ModelFacts } from "../../parallel/facts.ts";
import { layoutOf, type ParallelLayout } from "../../parallel/layout.ts";
import { latentFrameChoices, layoutProblems } from "../../parallel/rules.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { Recipe, RunContext, RunPlan } from "../recipe.ts";
import { runArtifacts } from "./artifacts.ts";
import { assumedSequenceLength, autoencoderScale, captionLength, clips, predictor } from "./facts.ts";
import { convertDit, convertVae, prepareDataset, pretrain } from "./stages.ts";
import { type TextToVideoSettings, textToVideoSchema } from "./surface.ts";
import { trainingProblems } from "./training-rules.ts";

type TextToVideoContext = RunContext<TextToVideoSettings>;

const modelFacts = (context: TextToVideoContext): ModelFacts => {
  const clip = clips[context.run.resolution];
  return {
    attentionHeads: predictor.attentionHeads,
    layers: predictor.layers,
    sequenceLength: assumedSequenceLength,
    captionLength,
    latentFrames: latentFrameChoices(clip.minimumFrames, clip.frames, autoencoderScale[0]),
    temporalStride: autoencoderScale[0],
    // What the arguments, the model file and the converter of this recipe can express.
    strategies: ["tensor", "sequence", "ulysses", "ring"],
  };
};

const layout = ({ run, npusPerNode }: TextToVideoContext): ParallelLayout =>
  layoutOf(run.parallel, run.batch, run.nodes * npusPerNode, predictor.layers);

function problems(context: TextToVideoContext): readonly Diagnostic[] {
  const { run, npusPerNode } = context;
  const broken = layoutProblems({
    request: run.parallel,
    batch: run.batch,
    nodes: run.nodes,
    npusPerNode,
    model: modelFacts(context),
    run: {
      resolution: run.resolution,
      saveInterval: run.training.saveInterval,
      autoencoderType: "bf16",
      recompute: { granularity: "full", method: "block", layers: run.training.recomputeLayers },
    },
  });
  const inRun = (path: readonly string[]): readonly string[] => ["runs", context.runName, ...path];
  return [
    ...broken.map((problem): Diagnostic => ({ ...problem, path: inRun(problem.path) })),
    ...trainingProblems(context.run).map((problem) => ({ ...problem, path: inRun(problem.path) })),
  ];
}

/** The listed stages in the order in which they run, whatever the order of the list. */
function stages(context: TextToVideoContext, chosen: ParallelLayout): readonly StagePlan[] {
  const artifacts = runArtifacts(context.environment, context.runName, context.run, chosen);
  const builders = { convertVae, convertDit, prepareDataset, pretrain } as const;
  return Object.entries(builders)
    .filter(([name]) => context.run.stages.some((stage) => stage === name))
    .map(([, build]) => build(context, artifacts, chosen));
}

/** Text-to-video pretraining of the MindSpeed-MM 26.0.0 guide. */
export const openSoraPlan13TextToVideo: Recipe<TextToVideoSettings> = {
  name: "opensoraplan1.3/t2v",
  settings: textToVideoSchema,
  plan: (context): RunPlan => {
    const chosen = layout(context);
    const diagnostics = problems(context);
    const isBroken = diagnostics.some((diagnostic) => diagnostic.severity === "error");
    return { layout: chosen, stages: isBroken ? [] : stages(context, chosen), diagnostics };
  },
};
