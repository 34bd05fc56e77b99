/**
 * The arguments of the pretraining and of the feature extraction, in the order of upstream's scripts.
 *
 * Source: 14b/t2v/pretrain_fsdp2.sh, which upstream's README names for every size, and feature_extract/feature_extraction.sh of
 * examples/wan2.1 in MindSpeed-MM v26.0.0.
 */
import type { ParallelLayout } from "../../parallel/layout.ts";
import { fractionArgument } from "../mindspeed-mm/fields.ts";
import type { TextToVideoSettings } from "./surface.ts";

/** Files that both programs read. */
export interface FilePaths {
  readonly data: string;
  readonly model: string;
  readonly tool: string;
}

/** Paths in the pod that the arguments of the pretraining name. */
export interface PretrainPaths extends FilePaths {
  readonly sharding: string;
  /** Where training goes on from, and where it saves to. */
  readonly save: string;
  /** Converted weights, used while the save folder holds no checkpoint. */
  readonly pretrainedCheckpoint: string;
}

const fileArguments = ({ data, model, tool }: FilePaths): readonly string[] => [
  ...["--mm-data", data, "--mm-model", model, "--mm-tool", tool],
];

const batchArguments = ({ microBatch, globalBatch }: ParallelLayout): readonly string[] => [
  ...["--micro-batch-size", String(microBatch), "--global-batch-size", String(globalBatch)],
];

const optimiserArguments = (training: TextToVideoSettings["training"]): readonly string[] => [
  ...["--lr", fractionArgument(training.learningRate), "--min-lr", fractionArgument(training.minimumLearningRate)],
  ...["--adam-beta1", "0.9", "--adam-beta2", "0.999", "--adam-eps", "1e-8", "--lr-decay-style", "constant"],
  ...["--weight-decay", fractionArgument(training.weightDecay), "--lr-warmup-init", "0"],
  ...["--lr-warmup-iters", String(training.warmupIterations)],
  ...["--clip-grad", fractionArgument(training.clipGradient), "--train-iters", String(training.iterations)],
  "--no-gradient-accumulation-fusion",
];

const withoutState = ["--no-load-optim", "--no-load-rng", "--no-save-optim", "--no-save-rng"] as const;

/**
 * All arguments after `pretrain_sora.py`. One immutable command serves the first start and every restart; the loader tells the format
 * of what it finds, converted weights (torch) or an own checkpoint (torch_dcp), by its files (mindspeed_mm/patchs/torch_dcp_patch.py).
 */
export function pretrainArguments(
  { training, sharding }: TextToVideoSettings,
  layout: ParallelLayout,
  paths: PretrainPaths,
): readonly string[] {
  return [
    ...["--tensor-model-parallel-size", String(layout.tensor)],
    ...["--pipeline-model-parallel-size", String(layout.pipeline)],
    ...["--virtual-pipeline-model-parallel-size", String(layout.virtualPipeline)],
    ...["--context-parallel-size", String(layout.context), "--context-parallel-algo", "ulysses_cp_algo"],
    ...batchArguments(layout),
    ...["--num-workers", String(training.workers)],
    ...optimiserArguments(training),
    ...(training.optimiserState ? [] : withoutState),
    ...["--distributed-timeout-minutes", String(training.timeoutMinutes)],
    ...["--use-torch-fsdp2", "--untie-embeddings-and-output-weights", "--ckpt-format", "torch_dcp"],
    ...["--fsdp2-config-path", paths.sharding, "--optimizer-selection", "fused_torch_adamw"],
    ...["--use-cpu-initialization", "--attention-mask-type", "general"],
    ...(training.saveOnStop ? ["--exit-signal-handler"] : []),
    ...fileArguments(paths),
    ...["--log-interval", String(training.logInterval), "--save-interval", String(training.saveInterval)],
    ...["--eval-interval", String(training.evaluationInterval), "--eval-iters", String(training.evaluationIterations)],
    ...["--load", paths.save, "--pretrained-checkpoint", paths.pretrainedCheckpoint, "--save", paths.save],
    // What lies in the host's memory is exchanged there (docs/zh/features/fsdp2.md, note 4).
    ...["--distributed-backend", sharding.offload ? "npu:hccl,cpu:gloo" : "nccl"],
  ];
}

/** Data loader processes of the extraction. */
const extractionWorkers = 8;

/** All arguments after `get_wan_feature.py`. */
export const extractionArguments = (layout: ParallelLayout, paths: FilePaths): readonly string[] => [
  ...["--tensor-model-parallel-size", "1", "--pipeline-model-parallel-size", "1", "--context-parallel-size", "1"],
  ...batchArguments(layout),
  ...["--num-workers", String(extractionWorkers)],
  ...fileArguments(paths),
  ...["--distributed-backend", "nccl"],
];
