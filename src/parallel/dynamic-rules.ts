/** Rules on data and context parallel sizes that are chosen anew for each step. */
import type { LayoutRule } from "./facts.ts";
import { isCount, type ParallelLayout } from "./layout.ts";
import { contextSizes } from "./tensor-rules.ts";

const dispatcher = "MM mindspeed_mm/utils/dpcp_utils.py";

/** Ranks that data and context parallelism have together. */
const shared = ({ worldSize, tensor, pipeline }: ParallelLayout): number => worldSize / (tensor * pipeline);

/** The switch works with Ulysses groups only. */
export const dynamicContextNeedsUlysses: LayoutRule = {
  name: "dynamic-context-needs-ulysses",
  severity: "error",
  source: "MM docs/zh/features/dynamic_dpcp.md",
  mendedBy: ["contextAlgorithm", "dynamicContext"],
  isBroken: ({ layout }) => layout.dynamicContext !== undefined && layout.contextAlgorithm.kind !== "ulysses",
  finding: ({ layout }) => ({
    path: ["parallel", "dynamicContext"],
    what: `dynamic data and context parallelism works with ulysses only, not with ${layout.contextAlgorithm.kind} attention`,
    got: layout.contextAlgorithm.kind,
    allowed: "ulysses",
  }),
};

/** Groups are built for powers of two only, but the frame filter divides by the size as written. */
export const dynamicContextPowerOfTwo: LayoutRule = {
  name: "dynamic-context-power-of-two",
  severity: "error",
  source: `${dispatcher}, generate_parallel_strategy_options; MM docs/zh/features/dynamic_dpcp.md`,
  mendedBy: ["dynamicContext"],
  isBroken: ({ layout }) =>
    layout.dynamicContext !== undefined && !Number.isInteger(Math.log2(layout.dynamicContext.maximumContext)),
  finding: ({ layout }) => ({
    path: ["parallel", "dynamicContext", "maximumContext"],
    what: "context parallel sizes of single steps are powers of two",
    got: `${layout.dynamicContext?.maximumContext}`,
    allowed: "1, 2, 4, 8, …",
  }),
};

/** Each size that a step may take splits the ranks that data and context parallelism share. */
export const dynamicContextWorldDivides: LayoutRule = {
  name: "dynamic-context-world-divides",
  severity: "error",
  source: `${dispatcher}, generate_parallel_strategy_options; MC core/parallel_state.py:630`,
  mendedBy: ["tensor", "pipeline", "context", "dynamicContext"],
  isBroken: ({ layout }) =>
    layout.dynamicContext !== undefined &&
    isCount(layout.data) &&
    contextSizes(layout).some((size) => shared(layout) % size !== 0),
  finding: ({ layout }) => ({
    path: ["parallel", "dynamicContext", "maximumContext"],
    what: `the ${shared(layout)} ranks that data and context parallelism share cannot be split by every power of two up to ${layout.dynamicContext?.maximumContext}`,
    got: `${layout.dynamicContext?.maximumContext}`,
    allowed: `sizes that divide ${shared(layout)}`,
  }),
};

/** A step that runs with context 1 spreads the global batch over all these ranks. */
export const dynamicContextBatchDivides: LayoutRule = {
  name: "dynamic-context-batch-divides",
  severity: "error",
  source: `${dispatcher}, data_aware_parallel_optimize; MC core/num_microbatches_calculator.py:340`,
  mendedBy: ["tensor", "pipeline", "context", "dynamicContext", "micro", "accumulation", "global"],
  isBroken: ({ layout }) =>
    layout.dynamicContext !== undefined &&
    isCount(layout.data) &&
    layout.globalBatch % (layout.microBatch * shared(layout)) !== 0,
  finding: ({ layout, batch }) => ({
    path: ["batch", batch.global === undefined ? "accumulation" : "global"],
    what: `steps with context 1 spread the global batch over ${shared(layout)} ranks, but it is not a multiple of micro batch ${layout.microBatch} × ${shared(layout)}`,
    got: `${layout.globalBatch}`,
    allowed: `a multiple of ${layout.microBatch * shared(layout)}`,
  }),
};

/** A larger size than there are ranks is lowered in silence, while the frame filter still divides by it. */
export const dynamicContextFits: LayoutRule = {
  name: "dynamic-context-fits",
  severity: "warning",
  source: `${dispatcher}, generate_parallel_strategy_options`,
  mendedBy: ["tensor", "pipeline", "dynamicContext"],
  isBroken: ({ layout }) =>
    layout.dynamicContext !== undefined &&
    isCount(layout.data) &&
    layout.dynamicContext.maximumContext > shared(layout),
  finding: ({ layout }) => ({
    path: ["parallel", "dynamicContext", "maximumContext"],
    what: `only ${shared(layout)} ranks share data and context parallelism; the framework lowers the size in silence`,
    got: `${layout.dynamicContext?.maximumContext}`,
    allowed: `at most ${shared(layout)}`,
  }),
};

/** Samples are loaded as if context were 1, whatever the fixed size says. */
export const dynamicContextStartsAtOne: LayoutRule = {
  name: "dynamic-context-starts-at-one",
  severity: "warning",
  source: "MM docs/zh/features/dynamic_dpcp.md (samples are loaded with context 1)",
  mendedBy: ["context", "dynamicContext"],
  isBroken: ({ layout }) => layout.dynamicContext !== undefined && layout.context > 1,
  finding: ({ layout }) => ({
    path: ["parallel", "context"],
    what: "dynamic data and context parallelism loads samples with context 1; another fixed size beside it is unverified",
    got: `${layout.context}`,
    allowed: "1",
    nearest: ["1"],
  }),
};

/** The rules of this file. */
export const dynamicRules = [
  dynamicContextNeedsUlysses,
  dynamicContextPowerOfTwo,
  dynamicContextWorldDivides,
  dynamicContextBatchDivides,
  dynamicContextFits,
  dynamicContextStartsAtOne,
] as const;
