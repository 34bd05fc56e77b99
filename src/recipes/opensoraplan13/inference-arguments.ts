/**
 * The arguments of inference and evaluation, in the order of upstream's scripts.
 *
 * Source: MM_ARGS and SORA_ARGS of inference_t2v.sh, inference_i2v.sh, eval_t2v.sh and eval_i2v.sh in examples/opensoraplan1.3 of
 * MindSpeed-MM v26.0.0. Learning rates and iterations only satisfy the argument validator, which expects a training.
 */
import type { ParallelLayout } from "../../parallel/layout.ts";

/** All arguments after `inference_sora.py` or `evaluate_gen.py`. */
export const inferenceArguments = (
  layout: ParallelLayout,
  paths: { readonly model: string; readonly load: string },
  timeoutMinutes: number,
): readonly string[] => [
  ...["--mm-model", paths.model],
  ...["--tensor-model-parallel-size", String(layout.tensor)],
  ...["--pipeline-model-parallel-size", String(layout.pipeline)],
  ...["--context-parallel-size", String(layout.context)],
  ...["--micro-batch-size", String(layout.microBatch)],
  ...["--global-batch-size", String(layout.globalBatch)],
  ...["--lr", "2e-5", "--min-lr", "2e-5", "--train-iters", "5010", "--weight-decay", "0", "--clip-grad", "1"],
  ...["--adam-beta1", "0.9", "--adam-beta2", "0.999"],
  "--no-gradient-accumulation-fusion",
  ...["--no-load-optim", "--no-load-rng", "--no-save-optim", "--no-save-rng"],
  "--fp16",
  ...["--load", paths.load],
  ...["--distributed-timeout-minutes", String(timeoutMinutes)],
];
