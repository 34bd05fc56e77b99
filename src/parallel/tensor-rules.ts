/** Rules on ranks, attention heads and tensor parallelism. Abbreviations of the sources: see `rules.ts`. */
import type { LayoutRule } from "./facts.ts";
import { divisors, isCount, list, modelParallelSize, type ParallelLayout } from "./layout.ts";

/** Ranks must divide into whole copies of the model. */
export const worldSizeDivides: LayoutRule = {
  name: "world-size-divides",
  severity: "error",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:130; MC core/parallel_state.py:630",
  mendedBy: ["tensor", "pipeline", "context"],
  isBroken: ({ layout }) => !isCount(layout.data),
  finding: ({ layout, nodes, npusPerNode }) => ({
    path: ["parallel"],
    what: `tensor ${layout.tensor} × pipeline ${layout.pipeline} × context ${layout.context} = ${modelParallelSize(layout)} does not divide the ${layout.worldSize} NPUs of the run (${nodes} × ${npusPerNode})`,
    got: `${modelParallelSize(layout)}`,
    allowed: `a divisor of ${layout.worldSize}: ${list(divisors(layout.worldSize))}`,
  }),
};

/** Context parallel sizes that steps of a run can have: one, or with dynamic sizes the powers of two up to the largest. */
export function contextSizes({
  worldSize,
  tensor,
  pipeline,
  context,
  dynamicContext,
}: ParallelLayout): readonly number[] {
  if (dynamicContext === undefined) return [context];
  const largest = Math.min(dynamicContext.maximumContext, worldSize / (tensor * pipeline));
  const sizes: number[] = [context];
  for (let size = 1; size <= largest; size *= 2) sizes.push(size);
  return sizes;
}

/** How many ranks share the heads: with Ulysses those of the context parallel group as well. */
const headShares = (layout: ParallelLayout): readonly number[] =>
  layout.contextAlgorithm.kind === "ulysses"
    ? contextSizes(layout).map((size) => layout.tensor * size)
    : [layout.tensor];

/** Each tensor parallel rank, and with Ulysses each context parallel rank, holds whole attention heads. */
export const headsDivide: LayoutRule = {
  name: "heads-divide",
  severity: "error",
  source: "MS features_manager/context_parallel/ulysses_context_parallel.py:25-33; core.utils.divide",
  mendedBy: ["tensor", "pipeline", "context", "contextAlgorithm", "dynamicContext"],
  isBroken: ({ layout, model }) => headShares(layout).some((share) => model.attentionHeads % share !== 0),
  finding: ({ layout, model }) => {
    const { attentionHeads } = model;
    const share = headShares(layout).find((size) => attentionHeads % size !== 0) ?? layout.tensor;
    const size = share / layout.tensor;
    return {
      path: ["parallel", attentionHeads % layout.tensor === 0 ? "context" : "tensor"],
      what:
        size > 1
          ? `the model's ${attentionHeads} attention heads cannot be shared among tensor ${layout.tensor} × context ${size} = ${share} ranks`
          : `the model's ${attentionHeads} attention heads cannot be shared among ${layout.tensor} tensor parallel ranks`,
      got: `${share}`,
      allowed: `a divisor of ${attentionHeads}: ${list(divisors(attentionHeads))}`,
    };
  },
};

/** Sequence parallelism lives inside tensor parallel groups; alone it is switched off with a warning in the log. */
export const sequenceParallelNeedsTensor: LayoutRule = {
  name: "sequence-parallel-needs-tensor",
  severity: "note",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:578-580",
  mendedBy: ["tensor"],
  isBroken: ({ request }) => request.sequence && request.tensor === 1,
  finding: () => ({
    path: ["parallel", "sequence"],
    what: "sequence parallelism does nothing without tensor parallelism; the framework switches it off",
    got: "true with tensor 1",
    allowed: "tensor above 1, or sequence: false",
  }),
};

const connections = ["environmentVariables", "CUDA_DEVICE_MAX_CONNECTIONS"];

/** Megatron's overlap of communication needs one queue a device. */
export const singleDeviceConnection: LayoutRule = {
  name: "single-device-connection",
  severity: "error",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:598",
  mendedBy: [],
  isBroken: ({ request, run }) =>
    (request.tensor > 1 || request.context > 1) &&
    run?.sharding !== "fsdp2" &&
    run?.deviceConnections !== undefined &&
    run.deviceConnections !== "1",
  finding: ({ run }) => ({
    path: connections,
    what: "tensor or context parallelism starts only with one device connection",
    got: run?.deviceConnections ?? "nothing",
    allowed: "1",
    nearest: ["1"],
  }),
};

/** FSDP2 wants several queues; with one its transfers wait for the computation. */
export const shardingDeviceConnections: LayoutRule = {
  name: "sharding-device-connections",
  severity: "warning",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:587-596; docs/zh/features/fsdp2.md",
  mendedBy: [],
  isBroken: ({ run }) => run?.sharding === "fsdp2" && run.deviceConnections === "1",
  finding: () => ({
    path: connections,
    what: "FSDP2 cannot overlap transfers and computation with one device connection",
    got: "1",
    allowed: "another value than 1; upstream's scripts use 2",
    nearest: ["2"],
  }),
};

/** The rules of this file. */
export const tensorRules = [
  worldSizeDivides,
  headsDivide,
  sequenceParallelNeedsTensor,
  singleDeviceConnection,
  shardingDeviceConnections,
] as const;
