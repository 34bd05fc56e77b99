/** Rules on context parallelism with a fixed size: Ulysses, ring and hybrid. */
import type { LayoutRule } from "./facts.ts";
import { type ContextAlgorithm, divisors, list, type ParallelLayout } from "./layout.ts";
import { contextSizes } from "./tensor-rules.ts";

/** The assumed sequence splits into two equal parts a context parallel rank. */
export const sequenceDivides: LayoutRule = {
  name: "sequence-divides",
  severity: "error",
  source: "MM validate_args_patch.py:498-501; MS ulysses_context_parallel.py:27-33, context_parallel_feature.py:33-80",
  mendedBy: ["context"],
  isBroken: ({ layout, model }) => layout.context > 1 && model.sequenceLength % (2 * layout.context) !== 0,
  finding: ({ layout, model }) => ({
    path: ["parallel", "context"],
    what: `the sequence of ${model.sequenceLength} tokens is not a multiple of 2 × context ${layout.context}`,
    got: `${layout.context}`,
    allowed: `1, or a divisor of ${model.sequenceLength / 2}`,
  }),
};

const captionSize = (layout: ParallelLayout, captionLength: number | undefined): number | undefined =>
  captionLength === undefined ? undefined : contextSizes(layout).find((size) => captionLength % size !== 0);

/** The caption splits evenly among the context parallel ranks. */
export const captionDivides: LayoutRule = {
  name: "caption-divides",
  severity: "error",
  source: "MM mindspeed_mm/models/common/communications.py:291-295",
  mendedBy: ["tensor", "pipeline", "context", "dynamicContext"],
  isBroken: ({ layout, model }) => captionSize(layout, model.captionLength) !== undefined,
  finding: ({ layout, model }) => ({
    path: ["parallel", "context"],
    what: `the caption of ${model.captionLength} tokens cannot be split among context ${captionSize(layout, model.captionLength)} ranks`,
    got: `${captionSize(layout, model.captionLength)}`,
    allowed: `a divisor of ${model.captionLength}`,
  }),
};

/** The size that the frame filter works with: the largest one when it changes from step to step. */
export const filterSize = ({ context, dynamicContext }: ParallelLayout): number =>
  dynamicContext?.maximumContext ?? context;

/** At least one clip length survives the frame filter, which keeps latent frames that the context parallel size divides. */
export const latentFramesDivide: LayoutRule = {
  name: "latent-frames-divide",
  severity: "error",
  source: "MM mindspeed_mm/data/data_utils/video_processor.py:457; models/common/communications.py:291-295",
  mendedBy: ["context", "dynamicContext"],
  isBroken: ({ layout, model }) => model.latentFrames?.every((frames) => frames % filterSize(layout) !== 0) === true,
  finding: ({ layout, model }) => ({
    path: ["parallel", layout.dynamicContext === undefined ? "context" : "dynamicContext"],
    what: `no clip length of the dataset settings has latent frames (${list(model.latentFrames ?? [])}) that context ${filterSize(layout)} divides; every clip would be dropped`,
    got: `${filterSize(layout)}`,
    allowed: `a divisor of one of ${list(model.latentFrames ?? [])}`,
  }),
};

/** Ring and hybrid attention need several context parallel ranks. */
export const ringNeedsContext: LayoutRule = {
  name: "ring-needs-context",
  severity: "error",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:33-80",
  mendedBy: ["context", "contextAlgorithm"],
  isBroken: ({ layout }) => layout.contextAlgorithm.kind !== "ulysses" && layout.context === 1,
  finding: ({ layout }) => ({
    path: ["parallel", "contextAlgorithm", "kind"],
    what: `${layout.contextAlgorithm.kind} attention needs a context parallel size above 1; with 1 it changes how masks are handled`,
    got: `${layout.contextAlgorithm.kind} with context 1`,
    allowed: "ulysses with context 1",
  }),
};

const fittingDegrees = (layout: ParallelLayout, heads: number): readonly number[] =>
  divisors(layout.context).filter((degree) => layout.context / degree > 1 && heads % (degree * layout.tensor) === 0);

/** The Ulysses part of hybrid attention divides the context parallel size and leaves a ring of at least two. */
export const ulyssesDegreeDivides: LayoutRule = {
  name: "ulysses-degree-divides",
  severity: "error",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:58-80",
  mendedBy: ["tensor", "context", "contextAlgorithm"],
  isBroken: ({ layout, model }) => {
    const algorithm = layout.contextAlgorithm;
    if (algorithm.kind !== "hybrid" || layout.context === 1) return false;
    const ring = layout.context / algorithm.ulyssesDegree;
    return (
      !Number.isInteger(ring) || ring <= 1 || model.attentionHeads % (algorithm.ulyssesDegree * layout.tensor) !== 0
    );
  },
  finding: ({ layout, model }) => {
    const fitting = fittingDegrees(layout, model.attentionHeads);
    const algorithm = layout.contextAlgorithm;
    return {
      path: ["parallel", "contextAlgorithm", "ulyssesDegree"],
      what: `the Ulysses degree must divide context ${layout.context} with a ring of at least 2 left, and × tensor ${layout.tensor} divide ${model.attentionHeads} heads`,
      got: algorithm.kind === "hybrid" ? `${algorithm.ulyssesDegree}` : algorithm.kind,
      allowed: fitting.length === 0 ? `nothing with context ${layout.context}; use ulysses` : list(fitting),
    };
  },
};

/** Ranks of the ring; undefined where there is none to speak of. */
function ringSize(algorithm: ContextAlgorithm, context: number): number | undefined {
  if (algorithm.kind === "ulysses") return undefined;
  const ring = algorithm.kind === "ring" ? context : context / algorithm.ulyssesDegree;
  return Number.isInteger(ring) && ring > 1 ? ring : undefined;
}

/** The inner window of double ring attention divides the ring and is smaller than it. */
export const ringWindowDivides: LayoutRule = {
  name: "ring-window-divides",
  severity: "error",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:33-47,58-80",
  mendedBy: ["context", "contextAlgorithm"],
  isBroken: ({ layout }) => {
    const algorithm = layout.contextAlgorithm;
    const ring = ringSize(algorithm, layout.context);
    if (algorithm.kind === "ulysses" || ring === undefined) return false;
    return algorithm.windowSize >= ring || ring % algorithm.windowSize !== 0;
  },
  finding: ({ layout }) => {
    const algorithm = layout.contextAlgorithm;
    const ring = ringSize(algorithm, layout.context) ?? layout.context;
    return {
      path: ["parallel", "contextAlgorithm", "windowSize"],
      what: `the ring window must divide the ring of ${ring} ranks and be smaller than it`,
      got: algorithm.kind === "ulysses" ? "none" : `${algorithm.windowSize}`,
      allowed: list(divisors(ring).filter((window) => window < ring)),
    };
  },
};

/** Ring and hybrid attention stop with "shape mismatched." in this release, so they run only when the user insists. */
export const brokenAlgorithmAcknowledged: LayoutRule = {
  name: "broken-algorithm-acknowledged",
  severity: "error",
  source: "MM mindspeed_mm/models/common/attention.py:599,661 (since 2.3.0)",
  mendedBy: ["contextAlgorithm"],
  isBroken: ({ layout, model }) =>
    layout.contextAlgorithm.kind !== "ulysses" &&
    model.isRingWorking !== true &&
    !layout.contextAlgorithm.acknowledgeBroken,
  finding: ({ layout }) => ({
    path: ["parallel", "contextAlgorithm", "acknowledgeBroken"],
    what: `${layout.contextAlgorithm.kind} attention is broken for this model in MindSpeed-MM 26.0.0: the sparse layers stop with "shape mismatched."`,
    got: "false",
    allowed: "true, if your image carries a repaired MindSpeed-MM",
    remedy: "use ulysses, or set acknowledgeBroken: true",
  }),
};

/** The rules of this file. */
export const contextRules = [
  sequenceDivides,
  captionDivides,
  latentFramesDivide,
  ringNeedsContext,
  ulyssesDegreeDivides,
  ringWindowDivides,
  brokenAlgorithmAcknowledged,
] as const;
