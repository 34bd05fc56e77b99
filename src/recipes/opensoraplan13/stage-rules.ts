/** Rules on which stages of an OpenSoraPlan1.3 run may be listed, and on what converts weights. Paths are relative to the run. */
import type { ParallelLayout } from "../../parallel/layout.ts";
import { latentFrameChoices } from "../../parallel/rules.ts";
import type { RunFinding } from "../mindspeed-mm/finding.ts";
import { neededMemoryGiB } from "./conversion.ts";
import { autoencoderScale } from "./facts.ts";
import { isVideoContext, type TaskContext } from "./task.ts";

/** Index of a listed stage, -1 when it is not listed. */
function indexOf({ run }: TaskContext, stage: string): number {
  const listed: readonly string[] = run.stages;
  return listed.indexOf(stage);
}

const lists = (context: TaskContext, stage: string): boolean => indexOf(context, stage) >= 0;

/** Listed stages that read what a stage makes which `up` does not wait for. */
function lateStages(context: TaskContext): readonly (readonly [late: string, needs: string])[] {
  const trained = isVideoContext(context) && context.run.inference.weights === "trained";
  const pairs = [
    ["resplit", "pretrain"],
    ...(trained
      ? ([
          ["inference", "pretrain"],
          ["evaluate", "pretrain"],
        ] as const)
      : []),
    ...(isVideoContext(context) ? [] : ([["pretrain", "extractFeatures"]] as const)),
  ] as const;
  return pairs.filter(([late, needs]) => lists(context, late) && lists(context, needs));
}

/** `up` does not wait for trainings, so a stage that reads their result fails until they are complete. */
export const needsFinishedStage = (context: TaskContext): readonly RunFinding[] =>
  lateStages(context).map(([late, needs]) => ({
    severity: "warning",
    rule: "needs-finished-stage",
    path: ["stages", indexOf(context, late)],
    what: `${late} reads what ${needs} makes, and nothing waits for ${needs}: its pod refuses to start until that is complete`,
    got: `${needs} and ${late} in one list`,
    allowed: `${late} once ${needs} is complete`,
    remedy: `list ${late} when ${needs} is complete`,
  }));

/** Checkpoints of pipeline stages cannot be merged: the converter fails, or writes each tensor several times. */
export function pipelineIsNotMerged(context: TaskContext, layout: ParallelLayout): readonly RunFinding[] {
  const trained = isVideoContext(context) && context.run.inference.weights === "trained";
  const stages = ["resplit", ...(trained ? ["inference", "evaluate"] : [])].filter((stage) => lists(context, stage));
  if (layout.pipeline === 1) return [];
  return stages.map((stage) => ({
    severity: "error",
    rule: "pipeline-is-not-merged",
    path: ["stages", indexOf(context, stage)],
    what: `${stage} needs whole layers, and the converter cannot merge checkpoints of pipeline stages`,
    got: `pipeline ${layout.pipeline}`,
    allowed: "pipeline 1",
    nearest: ["parallel.pipeline: 1"],
    remedy: `train without a pipeline, or remove ${stage}`,
  }));
}

/** The converter holds all weights once, and once more a tensor parallel rank; with less memory the kernel ends it. */
export function conversionFitsMemory(context: TaskContext, layout: ParallelLayout): readonly RunFinding[] {
  const { conversion } = context.run;
  const sizes = [
    ...(lists(context, "convertDit") ? [layout.tensor] : []),
    ...(isVideoContext(context) && (lists(context, "resplit") || lists(context, "convertDit"))
      ? [context.run.inference.parallel.tensor]
      : []),
    ...(!isVideoContext(context) && lists(context, "resplit") ? [1] : []),
  ];
  const tensor = Math.max(0, ...sizes);
  const needed = neededMemoryGiB(conversion, tensor);
  if (sizes.length === 0 || conversion.memoryGiB === undefined || conversion.memoryGiB >= needed) return [];
  return [
    {
      severity: "error",
      rule: "conversion-fits-memory",
      path: ["conversion", "memoryGiB"],
      what: `the converter holds the weights ${tensor + 1} times: once whole, and once for each of ${tensor} tensor parallel ranks`,
      got: `${conversion.memoryGiB}`,
      allowed: `at least ${tensor + 1} × ${conversion.weightsGiB} = ${needed}`,
      nearest: [`${needed}`],
    },
  ];
}

/** The published weights have 24 heads, the network of the feature training 32. */
export function featureWeightsFit(context: TaskContext): readonly RunFinding[] {
  if (isVideoContext(context) || !lists(context, "convertDit")) return [];
  return [
    {
      severity: "error",
      rule: "feature-weights-fit",
      path: ["stages", indexOf(context, "convertDit")],
      what: "the published DiT weights do not fit the network of the feature training: 24 heads against 32, so loading them fails",
      got: "convertDit",
      allowed: "random weights, or own weights of 32 heads",
      remedy: "remove convertDit; set initialWeights.folder to start from own weights",
    },
  ];
}

/** Two defects of upstream that no setting avoids; the second is repaired in the image. */
export const featureTrainingIsExperimental = (context: TaskContext): readonly RunFinding[] =>
  isVideoContext(context)
    ? []
    : [
        {
          severity: "warning",
          rule: "feature-training-is-experimental",
          path: ["recipe"],
          what: "training on features is experimental: no published weights fit its 32 heads, and upstream's code fails at the first step because features carry no video mask",
          allowed: "an image with the repair feature-training-without-mask, which the pod checks",
        },
      ];

/** Evaluation has dependencies that the training image cannot hold. */
export function evaluationHasImage(context: TaskContext): readonly RunFinding[] {
  if (!lists(context, "evaluate") || context.environment.image.evaluation !== undefined) return [];
  return [
    {
      severity: "error",
      rule: "evaluation-has-image",
      path: ["stages", indexOf(context, "evaluate")],
      what: "VBench's dependencies conflict with those of the training, so evaluation runs in an image of its own, and none is named",
      got: "no image.evaluation",
      allowed: "image.evaluation with an image by digest",
      remedy: "set image.evaluation, or remove evaluate",
    },
  ];
}

/** The trainer cuts clips to 4 n + 1 frames between the two limits; with none between them it would drop every clip. */
export function clipLengthsExist({ task: { clip } }: TaskContext): readonly RunFinding[] {
  const lengths = latentFrameChoices(clip.minimumFrames, clip.frames, autoencoderScale[0]);
  if (lengths.length > 0) return [];
  const longest = Math.floor((clip.frames - 1) / autoencoderScale[0]) * autoencoderScale[0] + 1;
  return [
    {
      severity: "error",
      rule: "clip-lengths-exist",
      path: ["clip", "minimumFrames"],
      what: `no clip of ${autoencoderScale[0]} n + 1 frames is at least minimumFrames and at most ${clip.frames} frames long, so every clip would be dropped`,
      got: `${clip.minimumFrames}`,
      allowed: `at most ${longest}`,
      nearest: [`${longest}`],
    },
  ];
}

/** Every finding about a run's stages. */
export const stageProblems = (context: TaskContext, layout: ParallelLayout): readonly RunFinding[] => [
  ...featureTrainingIsExperimental(context),
  ...clipLengthsExist(context),
  ...featureWeightsFit(context),
  ...needsFinishedStage(context),
  ...pipelineIsNotMerged(context, layout),
  ...conversionFitsMemory(context, layout),
  ...evaluationHasImage(context),
];
