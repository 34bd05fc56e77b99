/**
 * The hard rules for tensor parallelism, context parallelism and batch sizes. Each rule is a pure function of its own, named after
 * what it demands; all of them are listed in `layoutRules`, so that tests and documentation can walk through them.
 *
 * Sources name the file of MindSpeed-MM v26.0.0 (MM), MindSpeed 5176c6f5 (MS) or Megatron-LM core_v0.12.1 (MC) that would stop, or
 * silently spoil, such a run.
 */
import {
  type LayoutProblem as FullProblem,
  type LayoutQuestion,
  type RuleContext,
  type Strategy,
  strategies,
} from "./facts.ts";
import { divisors, layoutOf, modelParallelSize, nearestNumbers } from "./layout.ts";

type LayoutProblem = Omit<FullProblem, "severity">;

/** One rule: its name, the place that enforces it upstream, and the check. */
export interface LayoutRule {
  readonly name: string;
  readonly source: string;
  readonly check: (context: RuleContext) => LayoutProblem | undefined;
}

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;
const range = (largest: number): readonly number[] =>
  Array.from({ length: Math.max(0, Math.floor(largest)) }, (_, index) => index + 1);
const words = (values: readonly number[]): string => values.join(", ");

/** Ranks must divide into whole copies of the model. */
export const worldSizeDivides: LayoutRule = {
  name: "world-size-divides",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:130; MC core/parallel_state.py:630",
  check: ({ layout, nodes, npusPerNode }) => {
    const size = modelParallelSize(layout);
    if (isWhole(layout.data)) return undefined;
    const others = layout.pipeline * layout.context;
    const fitting = divisors(layout.worldSize).filter((tensor) => layout.worldSize % (tensor * others) === 0);
    return {
      rule: "world-size-divides",
      path: ["parallel"],
      what: `tensor ${layout.tensor} × pipeline ${layout.pipeline} × context ${layout.context} = ${size} does not divide the ${layout.worldSize} NPUs of the run (${nodes} × ${npusPerNode})`,
      got: `${size}`,
      allowed: `a divisor of ${layout.worldSize}: ${words(divisors(layout.worldSize))}`,
      nearest: nearestNumbers(layout.tensor, fitting).map((tensor) => `tensor ${tensor}`),
      ...(fitting.length === 0 ? { remedy: "lower context, or give the run more nodes" } : {}),
    };
  },
};

/** The global batch must split into whole microbatches on every replica. */
export const globalBatchDivides: LayoutRule = {
  name: "global-batch-divides",
  source: "MC core/num_microbatches_calculator.py:340",
  check: ({ layout, batch }) => {
    if (batch.global === undefined || !isWhole(layout.data)) return undefined;
    const unit = layout.microBatch * layout.data;
    if (layout.globalBatch >= unit && layout.globalBatch % unit === 0) return undefined;
    const below = Math.floor(layout.globalBatch / unit) * unit;
    const multiples = [below, below + unit].filter((value) => value >= unit);
    return {
      rule: "global-batch-divides",
      path: ["batch", "global"],
      what: `the global batch is not a multiple of micro batch ${layout.microBatch} × data parallel ${layout.data}`,
      got: `${layout.globalBatch}`,
      allowed: `a multiple of ${unit}`,
      nearest: nearestNumbers(layout.globalBatch, multiples).map(String),
    };
  },
};

/** Each tensor parallel rank, and with Ulysses each context parallel rank, holds whole attention heads. */
export const headsDivide: LayoutRule = {
  name: "heads-divide",
  source: "MS features_manager/context_parallel/ulysses_context_parallel.py:25-33; core.utils.divide",
  check: ({ layout, model }) => {
    const shared = layout.contextAlgorithm.kind === "ulysses" ? layout.tensor * layout.context : layout.tensor;
    if (model.attentionHeads % shared === 0) return undefined;
    const isUlysses = layout.contextAlgorithm.kind === "ulysses" && layout.context > 1;
    const others = isUlysses ? layout.context : 1;
    const fitting = divisors(model.attentionHeads).filter((tensor) => model.attentionHeads % (tensor * others) === 0);
    return {
      rule: "heads-divide",
      path: ["parallel", model.attentionHeads % layout.tensor === 0 ? "context" : "tensor"],
      what: isUlysses
        ? `the model's ${model.attentionHeads} attention heads cannot be shared among tensor ${layout.tensor} × context ${layout.context} = ${shared} ranks`
        : `the model's ${model.attentionHeads} attention heads cannot be shared among ${layout.tensor} tensor parallel ranks`,
      got: `${shared}`,
      allowed: `a divisor of ${model.attentionHeads}: ${words(divisors(model.attentionHeads))}`,
      nearest: nearestNumbers(layout.tensor, fitting).map((tensor) =>
        isUlysses ? `tensor ${tensor} with context ${others}` : `tensor ${tensor}`,
      ),
    };
  },
};

const contextCandidates = (context: RuleContext, accept: (size: number) => boolean): readonly string[] => {
  const { layout, model } = context;
  const largest = Math.min(layout.worldSize, model.sequenceLength);
  const fitting = divisors(largest).filter(
    (size) => accept(size) && layout.worldSize % (layout.tensor * layout.pipeline * size) === 0,
  );
  return nearestNumbers(layout.context, fitting).map(String);
};

/** The assumed sequence splits into two equal parts a context parallel rank. */
export const sequenceDivides: LayoutRule = {
  name: "sequence-divides",
  source: "MM validate_args_patch.py:498-501; MS ulysses_context_parallel.py:27-33, context_parallel_feature.py:33-80",
  check: (context) => {
    const { layout, model } = context;
    const accept = (size: number): boolean => size === 1 || model.sequenceLength % (2 * size) === 0;
    if (accept(layout.context)) return undefined;
    return {
      rule: "sequence-divides",
      path: ["parallel", "context"],
      what: `the sequence of ${model.sequenceLength} tokens is not a multiple of 2 × context ${layout.context}`,
      got: `${layout.context}`,
      allowed: `1, or a divisor of ${model.sequenceLength / 2}`,
      nearest: contextCandidates(context, accept),
    };
  },
};

/** The caption splits evenly among the context parallel ranks. */
export const captionDivides: LayoutRule = {
  name: "caption-divides",
  source: "MM mindspeed_mm/models/common/communications.py:291-295",
  check: (context) => {
    const { layout, model } = context;
    const accept = (size: number): boolean => (model.captionLength ?? 0) % size === 0;
    if (accept(layout.context)) return undefined;
    return {
      rule: "caption-divides",
      path: ["parallel", "context"],
      what: `the caption of ${model.captionLength} tokens cannot be split among context ${layout.context} ranks`,
      got: `${layout.context}`,
      allowed: `a divisor of ${model.captionLength}`,
      nearest: contextCandidates(context, accept),
    };
  },
};

/** At least one clip length survives the frame filter, which keeps latent frames that the context parallel size divides. */
export const latentFramesDivide: LayoutRule = {
  name: "latent-frames-divide",
  source: "MM mindspeed_mm/data/data_utils/video_processor.py:457; models/common/communications.py:291-295",
  check: (context) => {
    const { layout, model } = context;
    const choices = model.latentFrames ?? [];
    const accept = (size: number): boolean => choices.length === 0 || choices.some((frames) => frames % size === 0);
    if (accept(layout.context)) return undefined;
    return {
      rule: "latent-frames-divide",
      path: ["parallel", "context"],
      what: `no clip length of the dataset settings has latent frames (${words(choices)}) that context ${layout.context} divides; every clip would be dropped`,
      got: `${layout.context}`,
      allowed: `a divisor of one of ${words(choices)}`,
      nearest: contextCandidates(context, accept),
    };
  },
};

/** Ring and hybrid attention need several context parallel ranks. */
export const ringNeedsContext: LayoutRule = {
  name: "ring-needs-context",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:33-80",
  check: ({ layout }) => {
    if (layout.contextAlgorithm.kind === "ulysses" || layout.context > 1) return undefined;
    return {
      rule: "ring-needs-context",
      path: ["parallel", "contextAlgorithm", "kind"],
      what: `${layout.contextAlgorithm.kind} attention needs a context parallel size above 1; with 1 it changes how masks are handled`,
      got: `${layout.contextAlgorithm.kind} with context 1`,
      allowed: "ulysses with context 1",
      nearest: ["ulysses"],
    };
  },
};

/** The Ulysses part of hybrid attention divides the context parallel size and leaves a ring of at least two. */
export const ulyssesDegreeDivides: LayoutRule = {
  name: "ulysses-degree-divides",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:58-80",
  check: ({ layout, model }) => {
    const algorithm = layout.contextAlgorithm;
    if (algorithm.kind !== "hybrid" || layout.context === 1) return undefined;
    const accept = (degree: number): boolean =>
      layout.context % degree === 0 &&
      layout.context / degree > 1 &&
      model.attentionHeads % (degree * layout.tensor) === 0;
    if (accept(algorithm.ulyssesDegree)) return undefined;
    const fitting = divisors(layout.context).filter(accept);
    return {
      rule: "ulysses-degree-divides",
      path: ["parallel", "contextAlgorithm", "ulyssesDegree"],
      what: `the Ulysses degree must divide context ${layout.context} with a ring of at least 2 left, and × tensor ${layout.tensor} divide ${model.attentionHeads} heads`,
      got: `${algorithm.ulyssesDegree}`,
      allowed: fitting.length === 0 ? `nothing with context ${layout.context}; use ulysses` : words(fitting),
      nearest: nearestNumbers(algorithm.ulyssesDegree, fitting).map(String),
    };
  },
};

/** The inner window of double ring attention divides the ring and is smaller than it. */
export const ringWindowDivides: LayoutRule = {
  name: "ring-window-divides",
  source: "MS features_manager/context_parallel/context_parallel_feature.py:33-47,58-80",
  check: ({ layout }) => {
    const algorithm = layout.contextAlgorithm;
    if (algorithm.kind === "ulysses" || layout.context === 1) return undefined;
    const ring = algorithm.kind === "ring" ? layout.context : layout.context / algorithm.ulyssesDegree;
    if (!Number.isInteger(ring) || ring === 1) return undefined;
    const fitting = divisors(ring).filter((window) => window < ring);
    if (fitting.includes(algorithm.windowSize)) return undefined;
    return {
      rule: "ring-window-divides",
      path: ["parallel", "contextAlgorithm", "windowSize"],
      what: `the ring window must divide the ring of ${ring} ranks and be smaller than it`,
      got: `${algorithm.windowSize}`,
      allowed: words(fitting),
      nearest: nearestNumbers(algorithm.windowSize, fitting).map(String),
    };
  },
};

/** Ring and hybrid attention stop with "shape mismatched." in this release, so they run only when the user insists. */
export const brokenAlgorithmAcknowledged: LayoutRule = {
  name: "broken-algorithm-acknowledged",
  source: "MM mindspeed_mm/models/common/attention.py:599,661 (since 2.3.0)",
  check: ({ layout }) => {
    const algorithm = layout.contextAlgorithm;
    if (algorithm.kind === "ulysses" || algorithm.acknowledgeBroken) return undefined;
    return {
      rule: "broken-algorithm-acknowledged",
      path: ["parallel", "contextAlgorithm", "acknowledgeBroken"],
      what: `${algorithm.kind} attention is broken for this model in MindSpeed-MM 26.0.0: the sparse layers stop with "shape mismatched."`,
      got: "false",
      allowed: "true, if your image carries a repaired MindSpeed-MM",
      nearest: ["kind: ulysses"],
      remedy: "use ulysses, or set acknowledgeBroken: true",
    };
  },
};

/** Strategies that a question switches on. */
function strategiesOf({ request, model }: LayoutQuestion): readonly Strategy[] {
  const isOn: Readonly<Record<Strategy, boolean>> = {
    tensor: request.tensor > 1,
    sequence: request.sequence && request.tensor > 1,
    ulysses: request.context > 1 && request.contextAlgorithm.kind === "ulysses",
    ring: request.contextAlgorithm.kind !== "ulysses",
    pipeline: request.pipeline > 1,
    virtualPipeline: request.virtualPipeline > 1,
    vaeContext: request.vaeContext > 1,
    encoderData: request.encoderData,
    encoderOffload: request.encoderOffloadInterval > 1,
    dynamicContext: request.dynamicContext !== undefined,
  };
  return strategies.filter((strategy) => isOn[strategy] && model.strategies?.includes(strategy) === false);
}

/** The recipe must know how to start a strategy; otherwise the setting would do nothing. */
export const strategySupported: LayoutRule = {
  name: "strategy-supported",
  source: "the recipe's own list, from the feature table in MM README.md",
  check: (context) => {
    const [first] = strategiesOf(context);
    if (first === undefined) return undefined;
    return {
      rule: "strategy-supported",
      path: ["parallel"],
      what: `this recipe has no ${first}`,
      got: first,
      allowed: (context.model.strategies ?? []).join(", "),
      nearest: [],
    };
  },
};

/** Every rule of this room, in the order in which problems are reported. */
export const layoutRules: readonly LayoutRule[] = [
  strategySupported,
  worldSizeDivides,
  headsDivide,
  sequenceDivides,
  captionDivides,
  latentFramesDivide,
  ringNeedsContext,
  ulyssesDegreeDivides,
  ringWindowDivides,
  brokenAlgorithmAcknowledged,
  globalBatchDivides,
];

/** All broken rules of a layout; no error among them when it may run. */
export function layoutProblems(question: LayoutQuestion): readonly FullProblem[] {
  const { request, batch, nodes, npusPerNode, model } = question;
  const context = { ...question, layout: layoutOf(request, batch, nodes * npusPerNode, model.layers) };
  return layoutRules.flatMap((rule) => {
    const problem = rule.check(context);
    return problem === undefined ? [] : [{ severity: "error", ...problem }];
  });
}

/**
 * Latent frames of the clip lengths that the trainer's frame filter can produce: lengths y with minimum ≤ y ≤ maximum and
 * (y − 1) divisible by the temporal stride give (y − 1) / stride + 1 latent frames.
 */
export function latentFrameChoices(
  minimumFrames: number,
  maximumFrames: number,
  temporalStride: number,
): readonly number[] {
  return range(maximumFrames)
    .filter((frames) => frames >= minimumFrames && (frames - 1) % temporalStride === 0)
    .map((frames) => (frames - 1) / temporalStride + 1);
}
