/** Rules on how text encoder and autoencoder are shared: VAE-CP, Encoder-DP and encoder offload. */

import { filterSize } from "./context-rules.ts";
import type { LayoutRule, RuleContext } from "./facts.ts";
import { divisors, list, modelParallelSize } from "./layout.ts";

const autoencoder = "MM mindspeed_mm/models/ae/wfvae.py";
const vaePath = ["parallel", "vaeContext"];

/** Groups of the autoencoder are runs of consecutive ranks over the whole world. */
export const vaeContextWorldDivides: LayoutRule = {
  name: "vae-context-world-divides",
  severity: "error",
  source: "MM mindspeed_mm/models/common/communications.py, initialize_context_parallel",
  mendedBy: ["vaeContext"],
  isBroken: ({ layout }) => layout.worldSize % layout.vaeContext !== 0,
  finding: ({ layout }) => ({
    path: vaePath,
    what: `the ${layout.worldSize} NPUs of the run cannot be split into groups of ${layout.vaeContext} for the autoencoder`,
    got: `${layout.vaeContext}`,
    allowed: `a divisor of ${layout.worldSize}: ${list(divisors(layout.worldSize))}`,
  }),
};

/** A group holds one sample, or whole samples one after the other; anything else would mix frames of different clips. */
export const vaeContextGroupsFit: LayoutRule = {
  name: "vae-context-groups-fit",
  severity: "error",
  source: `${autoencoder}, WFVAE.encode (loops over samples only when its size is a multiple of world / data)`,
  mendedBy: ["tensor", "pipeline", "context", "vaeContext"],
  isBroken: ({ layout }) => {
    const size = modelParallelSize(layout);
    return layout.vaeContext % size !== 0 && size % layout.vaeContext !== 0;
  },
  finding: ({ layout }) => ({
    path: vaePath,
    what: `autoencoder groups of ${layout.vaeContext} ranks do not fit the ${modelParallelSize(layout)} ranks that share a sample; frames of different clips would be mixed`,
    got: `${layout.vaeContext}`,
    allowed: `a divisor or a multiple of tensor × pipeline × context = ${modelParallelSize(layout)}`,
  }),
};

/** Frames of the clips that survive the frame filter. */
function clipFrames({ layout, model }: RuleContext): readonly number[] {
  const { latentFrames, temporalStride } = model;
  if (latentFrames === undefined || temporalStride === undefined) return [];
  return latentFrames
    .filter((latent) => latent % filterSize(layout) === 0)
    .map((latent) => (latent - 1) * temporalStride + 1);
}

const unevenFrames = (context: RuleContext): readonly number[] =>
  clipFrames(context).filter((frames) => (frames + 3) % context.layout.vaeContext !== 0);

/** Each clip, padded by three frames in front, splits evenly; one that does not stops the training when its turn comes. */
export const vaeContextFramesDivide: LayoutRule = {
  name: "vae-context-frames-divide",
  severity: "error",
  source: "MM mindspeed_mm/models/common/communications.py:678",
  mendedBy: ["context", "dynamicContext", "vaeContext"],
  isBroken: (context) => context.layout.vaeContext > 1 && unevenFrames(context).length > 0,
  finding: (context) => ({
    path: vaePath,
    what: `clips of ${list(unevenFrames(context))} frames cannot be split: frames + 3 is not a multiple of ${context.layout.vaeContext}`,
    got: `${context.layout.vaeContext}`,
    allowed: "a size that divides frames + 3 of every clip length",
  }),
};

/** Above the ranks that share a sample, samples of several replicas are gathered, which needs equal shapes. */
export const vaeContextEqualShapes: LayoutRule = {
  name: "vae-context-equal-shapes",
  severity: "warning",
  source: `${autoencoder}, WFVAE.encode (all_gather into buffers of the own shape)`,
  mendedBy: ["tensor", "pipeline", "context", "vaeContext"],
  isBroken: ({ layout, run }) => layout.vaeContext > modelParallelSize(layout) && run?.resolution === "dynamic",
  finding: ({ layout }) => ({
    path: vaePath,
    what: "autoencoder groups that span several replicas gather their clips, which fails when dynamic resolution gives them different shapes",
    got: `${layout.vaeContext} with tensor × pipeline × context = ${modelParallelSize(layout)}`,
    allowed: `at most ${modelParallelSize(layout)}, or static resolution`,
  }),
};

/** The guide's advice. */
export const vaeContextEqualsContext: LayoutRule = {
  name: "vae-context-equals-context",
  severity: "note",
  source: "MM examples/opensoraplan1.3/README.md",
  mendedBy: ["context", "vaeContext"],
  isBroken: ({ layout }) => layout.vaeContext > 1 && layout.vaeContext !== layout.context,
  finding: ({ layout }) => ({
    path: vaePath,
    what: "the guide advises the same size for the autoencoder as for context parallelism",
    got: `${layout.vaeContext} with context ${layout.context}`,
    allowed: `${layout.context}`,
  }),
};

/** Encoded clips are gathered into buffers of one shape. */
export const encoderDataNeedsStatic: LayoutRule = {
  name: "encoder-data-needs-static",
  severity: "error",
  source: "MM mindspeed_mm/models/sora_model.py (gathers with fixed shapes; by reading)",
  mendedBy: ["encoderData"],
  isBroken: ({ layout, run }) => layout.encoderData && run?.resolution === "dynamic",
  finding: () => ({
    path: ["parallel", "encoderData"],
    what: "data parallel encoders gather clips of one shape, which dynamic resolution does not give",
    got: "true with dynamic resolution",
    allowed: "false, or resolution: static",
  }),
};

const isUneven = (interval: number, save: number | undefined): boolean => save !== undefined && save % interval !== 0;

/** A checkpoint between two encodings would lose the samples that are encoded but not yet trained on. Upstream's check never runs. */
export const offloadIntervalDividesSaves: LayoutRule = {
  name: "offload-interval-divides-saves",
  severity: "error",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:519 (dead code upstream)",
  mendedBy: ["encoderOffloadInterval"],
  isBroken: ({ layout, run }) => isUneven(layout.encoderOffloadInterval, run?.saveInterval),
  finding: ({ layout, run }) => ({
    path: ["parallel", "encoderOffloadInterval"],
    what: `checkpoints every ${run?.saveInterval} steps fall between two encodings`,
    got: `${layout.encoderOffloadInterval}`,
    allowed: `a divisor of the save interval ${run?.saveInterval}`,
  }),
};

/** Moving the encoders costs time that only many steps at once win back. */
export const offloadIntervalLarge: LayoutRule = {
  name: "offload-interval-large",
  severity: "warning",
  source: "MM examples/opensoraplan1.3/README.md",
  mendedBy: ["encoderOffloadInterval"],
  isBroken: ({ layout }) => layout.encoderOffloadInterval > 1 && layout.encoderOffloadInterval <= 10,
  finding: ({ layout }) => ({
    path: ["parallel", "encoderOffloadInterval"],
    what: "the guide advises more than 10 steps between encodings, and more data loader workers",
    got: `${layout.encoderOffloadInterval}`,
    allowed: "1, or above 10",
  }),
};

/** With extracted features no encoder runs. */
export const encodersInUse: LayoutRule = {
  name: "encoders-in-use",
  severity: "warning",
  source: "MM mindspeed_mm/models/sora_model.py (load_video_features, load_text_features)",
  mendedBy: ["vaeContext", "encoderData", "encoderOffloadInterval"],
  isBroken: ({ layout, run }) =>
    run?.usesFeatures === true && (layout.vaeContext > 1 || layout.encoderData || layout.encoderOffloadInterval > 1),
  finding: () => ({
    path: ["parallel"],
    what: "vaeContext, encoderData and encoderOffloadInterval have no effect on a training from extracted features: no encoder runs",
    got: "an encoder strategy",
    allowed: "vaeContext 1, encoderData false, encoderOffloadInterval 1",
  }),
};

/** The rules of this file. */
export const encoderRules = [
  vaeContextWorldDivides,
  vaeContextGroupsFit,
  vaeContextFramesDivide,
  vaeContextEqualShapes,
  vaeContextEqualsContext,
  encoderDataNeedsStatic,
  offloadIntervalDividesSaves,
  offloadIntervalLarge,
  encodersInUse,
] as const;
