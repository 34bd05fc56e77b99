/** OpenSoraPlan1.3 text-to-video: the recipe `opensoraplan1.3/t2v`. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import { layoutOf, type ParallelLayout } from "../../parallel/layout.ts";
import { latentFrameChoices, layoutProblems, type ModelFacts } from "../../parallel/rules.ts";
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
    sequenceLength: assumedSequenceLength,
    captionLength,
    latentFrames: latentFrameChoices(clip.minimumFrames, clip.frames, autoencoderScale[0]),
  };
};

function layout({ run, npusPerNode }: TextToVideoContext): ParallelLayout {
  const { tensor, context, sequence, contextAlgorithm } = run.parallel;
  return layoutOf(
    { tensor, context, sequence, contextAlgorithm, pipeline: 1, virtualPipeline: 1 },
    run.batch,
    run.nodes * npusPerNode,
  );
}

function problems(context: TextToVideoContext, chosen: ParallelLayout): readonly Diagnostic[] {
  const broken = layoutProblems({
    layout: chosen,
    model: modelFacts(context),
    nodes: context.run.nodes,
    npusPerNode: context.npusPerNode,
    isGlobalBatchGiven: context.run.batch.global !== undefined,
  });
  const inRun = (path: readonly string[]): readonly string[] => ["runs", context.runName, ...path];
  return [
    ...broken.map((problem): Diagnostic => ({ ...problem, severity: "error", path: inRun(problem.path) })),
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
    const diagnostics = problems(context, chosen);
    const isBroken = diagnostics.some((diagnostic) => diagnostic.severity === "error");
    return { layout: chosen, stages: isBroken ? [] : stages(context, chosen), diagnostics };
  },
};
