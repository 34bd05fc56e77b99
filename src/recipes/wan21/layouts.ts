/** The layouts of a run's stages, and what the rules of `parallel/` find about the training's. */
import type { LayoutProblem } from "../../parallel/facts.ts";
import { divisors, layoutOf, list, type ParallelLayout } from "../../parallel/layout.ts";
import { layoutProblems } from "../../parallel/rules.ts";
import type { RunFinding } from "../mindspeed-mm/finding.ts";
import type { Context } from "./artifacts.ts";
import { assumedSequenceLength, predictor } from "./facts.ts";
import { trainingVariables } from "./variables.ts";

/** The layout of the training. */
export const trainingLayout = ({ run, npusPerNode }: Context): ParallelLayout =>
  layoutOf(run.parallel, run.batch, run.nodes * npusPerNode, predictor.layers);

/** The layout of the extraction: every NPU encodes clips of its own. */
export const extractionLayout = ({ run }: Context): ParallelLayout =>
  layoutOf(
    {
      tensor: 1,
      pipeline: 1,
      virtualPipeline: 1,
      context: 1,
      sequence: false,
      contextAlgorithm: { kind: "ulysses" },
      vaeContext: 1,
      encoderData: false,
      encoderOffloadInterval: 1,
    },
    { micro: 1 },
    run.extraction.npus,
    predictor.layers,
  );

/** What is wrong with the layout of the training. FSDP2 knows neither tensor nor pipeline parallelism, says upstream's script. */
export const trainingLayoutProblems = ({ run, npusPerNode }: Context): readonly LayoutProblem[] =>
  layoutProblems({
    request: run.parallel,
    batch: run.batch,
    nodes: run.nodes,
    npusPerNode,
    model: {
      attentionHeads: predictor.attentionHeads,
      layers: predictor.layers,
      sequenceLength: assumedSequenceLength,
      strategies: ["ulysses"],
    },
    run: {
      saveInterval: run.training.saveInterval,
      usesFeatures: true,
      sharding: "fsdp2",
      deviceConnections:
        run.environmentVariables.CUDA_DEVICE_MAX_CONNECTIONS ?? trainingVariables.CUDA_DEVICE_MAX_CONNECTIONS,
    },
  });

/** The ranks are divided into groups that share one copy of the parameters (MS torch_fully_sharded_data_parallel_adaptor.py). */
export function shardingSizeDivides({ run, npusPerNode }: Context): RunFinding | undefined {
  const { size } = run.sharding;
  const ranks = run.nodes * npusPerNode;
  if (size === "auto" || ranks % size === 0) return undefined;
  const near = [...divisors(ranks)].sort((left, right) => Math.abs(left - size) - Math.abs(right - size));
  return {
    severity: "error",
    rule: "sharding-size-divides",
    path: ["sharding", "size"],
    what: `the ${ranks} NPUs of the run cannot be divided into groups of ${size} that share the parameters`,
    got: `${size}`,
    allowed: `auto, or a divisor of ${ranks}: ${list(divisors(ranks))}`,
    nearest: near.slice(0, 2).map(String),
  };
}
