/**
 * The training arguments of the text-to-video pretraining, in the order of upstream's script.
 *
 * Source: GPT_ARGS, MM_ARGS and OUTPUT_ARGS of examples/opensoraplan1.3/t2v/pretrain_t2v.sh, MindSpeed-MM v26.0.0.
 */

import type { ContextAlgorithm, ParallelLayout } from "../../parallel/layout.ts";
import type { TextToVideoSettings } from "./surface.ts";

/** Paths in the pod that the arguments name. */
export interface PretrainPaths {
  readonly dataFile: string;
  readonly modelFile: string;
  readonly toolFile: string;
  /** Where training goes on from: the save folder itself. */
  readonly load: string;
  /** Converted weights, used while the save folder holds no checkpoint. */
  readonly pretrainedCheckpoint: string;
  readonly save: string;
}

/** A fraction as upstream would write it: small magnitudes in exponent form (`1e-5`), whole values with a decimal (`1.0`). */
export function fractionArgument(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.1) return value.toExponential();
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** The script's start of the warm-up; never above the learning rate, for the scheduler refuses to warm up downwards. */
const warmupStart = (learningRate: number): number => Math.min(1e-5, learningRate);

/** Arguments of the context parallel algorithm; ring forms need more than the name. */
function contextArguments(algorithm: ContextAlgorithm): readonly string[] {
  if (algorithm.kind === "ulysses") return ["--context-parallel-algo", "ulysses_cp_algo"];
  const ring = [
    "--attention-mask-type",
    "general",
    ...(algorithm.overlapSendReceive ? ["--use-cp-send-recv-overlap"] : []),
    "--cp-window-size",
    String(algorithm.windowSize),
  ];
  return algorithm.kind === "ring"
    ? ["--context-parallel-algo", "megatron_cp_algo", ...ring]
    : ["--context-parallel-algo", "hybrid_cp_algo", ...ring, "--ulysses-degree-in-cp", String(algorithm.ulyssesDegree)];
}

function parallelArguments(layout: ParallelLayout): readonly string[] {
  return [
    ...["--tensor-model-parallel-size", String(layout.tensor)],
    ...["--pipeline-model-parallel-size", String(layout.pipeline)],
    ...["--virtual-pipeline-model-parallel-size", String(layout.virtualPipeline)],
    ...["--context-parallel-size", String(layout.context)],
    ...contextArguments(layout.contextAlgorithm),
    ...["--micro-batch-size", String(layout.microBatch)],
    ...["--global-batch-size", String(layout.globalBatch)],
  ];
}

function optimiserArguments(training: TextToVideoSettings["training"]): readonly string[] {
  return [
    ...["--lr", fractionArgument(training.learningRate)],
    ...["--min-lr", fractionArgument(training.minimumLearningRate)],
    ...["--adam-beta1", "0.9", "--adam-beta2", "0.999", "--adam-eps", "1e-15"],
    ...["--lr-decay-style", "constant"],
    ...["--weight-decay", fractionArgument(training.weightDecay)],
    ...["--lr-warmup-init", fractionArgument(warmupStart(training.learningRate))],
    ...["--lr-warmup-iters", String(training.warmupIterations)],
    ...["--clip-grad", fractionArgument(training.clipGradient)],
    ...["--train-iters", String(training.iterations)],
  ];
}

/**
 * All arguments after `pretrain_sora.py`.
 *
 * One immutable command serves the first start and every restart: `--load` names the save folder, and `--pretrained-checkpoint`
 * the converted weights that are used while the save folder has no checkpoint. Neither missing nor wrong weights end in a silent
 * random start, because the in-pod runtime checks both before the program starts.
 */
export function pretrainArguments(
  run: TextToVideoSettings,
  layout: ParallelLayout,
  paths: PretrainPaths,
): readonly string[] {
  const { training } = run;
  return [
    ...parallelArguments(layout),
    ...optimiserArguments(training),
    "--no-gradient-accumulation-fusion",
    ...["--load", paths.load],
    ...["--pretrained-checkpoint", paths.pretrainedCheckpoint],
    "--bf16",
    ...["--recompute-granularity", "full", "--recompute-method", "block"],
    ...["--recompute-num-layers", String(training.recomputeLayers)],
    "--use-distributed-optimizer",
    ...(layout.sequence ? ["--sequence-parallel"] : []),
    "--allow-tf32",
    ...["--num-workers", String(training.workers)],
    ...["--mm-data", paths.dataFile, "--mm-model", paths.modelFile, "--mm-tool", paths.toolFile],
    ...["--log-interval", String(training.logInterval)],
    ...["--save-interval", String(training.saveInterval)],
    ...["--eval-interval", String(training.evaluationInterval)],
    ...["--eval-iters", String(training.evaluationIterations)],
    ...["--save", paths.save],
    ...["--ckpt-format", "torch"],
    ...["--distributed-backend", "nccl"],
  ];
}
