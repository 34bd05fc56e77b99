/**
 * The arguments of the pretraining and of the feature extraction, in the order of upstream's scripts.
 *
 * Source: GPT_ARGS, MM_ARGS and OUTPUT_ARGS of pretrain_t2v.sh, pretrain_i2v.sh, pretrain_t2v_A2.sh, pretrain_t2v_A3.sh and
 * extract_feature.sh in examples/opensoraplan1.3 of MindSpeed-MM v26.0.0.
 */
import type { ContextAlgorithm, ParallelLayout } from "../../parallel/layout.ts";
import type { TrainingSettings } from "./surface/training.ts";

/** The three files that arguments name. */
export interface FilePaths {
  readonly data: string;
  readonly model: string;
  readonly tool: string;
}

/** Paths in the pod that the arguments of a pretraining name. */
export interface PretrainPaths extends FilePaths {
  /** Where training goes on from, and where it saves to. */
  readonly save: string;
  /** Weights that are used while the save folder holds no checkpoint; random ones when absent. */
  readonly pretrainedCheckpoint: string | undefined;
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

const batchArguments = ({ microBatch, globalBatch }: ParallelLayout): readonly string[] => [
  ...["--micro-batch-size", String(microBatch)],
  ...["--global-batch-size", String(globalBatch)],
];

const optimiserArguments = (training: TrainingSettings): readonly string[] => [
  ...["--lr", fractionArgument(training.learningRate)],
  ...["--min-lr", fractionArgument(training.minimumLearningRate)],
  ...["--adam-beta1", "0.9", "--adam-beta2", "0.999", "--adam-eps", "1e-15"],
  ...["--lr-decay-style", "constant"],
  ...["--weight-decay", fractionArgument(training.weightDecay)],
  ...["--lr-warmup-init", fractionArgument(warmupStart(training.learningRate))],
  ...["--lr-warmup-iters", String(training.warmupIterations)],
  ...["--clip-grad", fractionArgument(training.clipGradient)],
  ...["--train-iters", String(training.iterations)],
  "--no-gradient-accumulation-fusion",
];

const recomputeArguments = (layers: number): readonly string[] => [
  ...["--recompute-granularity", "full", "--recompute-method", "block"],
  ...["--recompute-num-layers", String(layers)],
];

const fileArguments = ({ data, model, tool }: FilePaths): readonly string[] => [
  ...["--mm-data", data, "--mm-model", model, "--mm-tool", tool],
];

/** What pipeline parallelism needs beside its size: without the second, the first hand-over between stages fails. */
const pipelineArguments = ({ pipeline }: ParallelLayout): readonly string[] =>
  pipeline === 1
    ? []
    : ["--optimization-level", "2", "--use-multiparameter-pipeline-model-parallel", "--variable-seq-lengths"];

/**
 * All arguments after `pretrain_sora.py`.
 *
 * One immutable command serves the first start and every restart: `--load` names the save folder, and `--pretrained-checkpoint`
 * the weights that are used while the save folder has no checkpoint. Neither missing nor wrong weights end in a silent random
 * start, because the in-pod runtime checks both before the program starts.
 */
export function pretrainArguments(
  training: TrainingSettings,
  layout: ParallelLayout,
  paths: PretrainPaths,
): readonly string[] {
  const { pretrainedCheckpoint } = paths;
  return [
    ...["--tensor-model-parallel-size", String(layout.tensor)],
    ...["--pipeline-model-parallel-size", String(layout.pipeline)],
    ...["--virtual-pipeline-model-parallel-size", String(layout.virtualPipeline)],
    ...["--context-parallel-size", String(layout.context)],
    ...contextArguments(layout.contextAlgorithm),
    ...batchArguments(layout),
    ...optimiserArguments(training),
    ...["--load", paths.save],
    ...(pretrainedCheckpoint === undefined ? [] : ["--pretrained-checkpoint", pretrainedCheckpoint]),
    "--bf16",
    ...recomputeArguments(training.recomputeLayers),
    "--use-distributed-optimizer",
    ...(layout.sequence ? ["--sequence-parallel"] : []),
    "--allow-tf32",
    ...["--num-workers", String(training.workers)],
    ...pipelineArguments(layout),
    ...(training.saveOnStop ? ["--exit-signal-handler"] : []),
    ...fileArguments(paths),
    ...["--log-interval", String(training.logInterval)],
    ...["--save-interval", String(training.saveInterval)],
    ...["--eval-interval", String(training.evaluationInterval)],
    ...["--eval-iters", String(training.evaluationIterations)],
    ...["--save", paths.save],
    ...["--ckpt-format", "torch"],
    ...["--distributed-backend", "nccl"],
  ];
}

/** Data loader processes of the feature extraction. */
export const extractionWorkers = 8;

/**
 * All arguments after `get_sora_feature.py`. Most only satisfy the argument validator, which expects a training; no network is
 * trained and no activation kept.
 */
export const extractionArguments = (
  training: TrainingSettings,
  layout: ParallelLayout,
  paths: FilePaths,
): readonly string[] => [
  ...["--tensor-model-parallel-size", String(layout.tensor)],
  ...["--pipeline-model-parallel-size", String(layout.pipeline)],
  ...["--context-parallel-size", String(layout.context)],
  ...batchArguments(layout),
  ...optimiserArguments(training),
  "--bf16",
  ...recomputeArguments(0),
  ...["--use-distributed-optimizer", "--sequence-parallel"],
  ...["--num-workers", String(extractionWorkers)],
  ...fileArguments(paths),
  ...["--distributed-backend", "nccl"],
];
