/**
 * Options that follow from other settings. An override would contradict what the plan, the converters and the checks in the pod rely on,
 * so it is refused with the setting to use instead.
 */

/** What to do instead of overriding an option or a field. */
export interface Owned {
  /** Setting of the run to use instead, as a dotted path; absent when there is none. */
  readonly setting?: string;
  readonly reason: string;
}

const by = (setting: string): Owned => ({ setting, reason: `it follows from ${setting}` });
const because = (reason: string): Owned => ({ reason });

const layout = "it changes how ranks are laid out, which this recipe fixes";
const place = "the place of weights and checkpoints follows from the run's name and the volumes";
const resume = "one command starts and resumes the run; this option would change where it starts";
const format = "converters, resplit and the checks in the pod read the format torch";
const launcher = "the launcher and the scheduler give each rank its place";

/** Options that ascend-stacks decides, by upstream's name. */
export const ownedOptions: Readonly<Record<string, Owned>> = {
  "tensor-model-parallel-size": by("parallel.tensor"),
  "model-parallel-size": by("parallel.tensor"),
  "pipeline-model-parallel-size": by("parallel.pipeline"),
  "virtual-pipeline-model-parallel-size": by("parallel.virtualPipeline"),
  "num-layers-per-virtual-pipeline-stage": by("parallel.virtualPipeline"),
  "num-virtual-stages-per-pipeline-rank": by("parallel.virtualPipeline"),
  "context-parallel-size": by("parallel.context"),
  "context-parallel-algo": by("parallel.contextAlgorithm"),
  "ulysses-degree-in-cp": by("parallel.contextAlgorithm"),
  "attention-mask-type": by("parallel.contextAlgorithm"),
  "cp-window-size": by("parallel.contextAlgorithm"),
  "use-cp-send-recv-overlap": by("parallel.contextAlgorithm"),
  "sequence-parallel": by("parallel.sequence"),
  "encoder-tensor-model-parallel-size": because(layout),
  "encoder-pipeline-model-parallel-size": because(layout),
  "pipeline-model-parallel-split-rank": because(layout),
  "expert-model-parallel-size": because(layout),
  "expert-tensor-parallel-size": because(layout),
  "use-tp-pp-dp-mapping": because(layout),
  "tp-2d": because(layout),
  "dist-train": because(layout),
  "hetero-parallel": because(layout),
  "auto-settings": because(layout),
  "micro-batch-size": by("batch.micro"),
  "batch-size": by("batch.micro"),
  "global-batch-size": by("batch"),
  "rampup-batch-size": by("batch"),
  "train-iters": by("training.iterations"),
  "train-samples": by("training.iterations"),
  "save-interval": by("training.saveInterval"),
  "persistent-save-interval": by("training.saveInterval"),
  "log-interval": by("training.logInterval"),
  "eval-interval": by("training.evaluationInterval"),
  "eval-iters": by("training.evaluationIterations"),
  lr: by("training.learningRate"),
  "min-lr": by("training.minimumLearningRate"),
  "lr-warmup-iters": by("training.warmupIterations"),
  "weight-decay": by("training.weightDecay"),
  "clip-grad": by("training.clipGradient"),
  "recompute-num-layers": by("training.recomputeLayers"),
  "num-workers": by("training.workers"),
  save: because(place),
  load: because(place),
  "pretrained-checkpoint": because(place),
  "ckpt-step": because(resume),
  finetune: because(resume),
  "exit-on-missing-checkpoint": because(resume),
  "use-checkpoint-args": because(resume),
  "use-mp-args-from-checkpoint-args": because(resume),
  "skip-train": because("a run that trains nothing never reaches its iterations"),
  "ckpt-format": because(format),
  "dist-ckpt-format": because(format),
  "use-dist-ckpt": because(format),
  "ckpt-convert-format": because(format),
  "async-save": because(`${format}, which cannot be saved asynchronously`),
  "mm-data": because("its fields are overridden under data"),
  "mm-model": because("its fields are overridden under model"),
  "mm-tool": because("its fields are overridden under tools"),
  "yaml-cfg": because("options are overridden one by one"),
  "distributed-backend": because(launcher),
  "local-rank": because(launcher),
  "lazy-mpu-init": because(launcher),
  "node-rank": because(launcher),
  "master-addr": because(launcher),
  "master-port": by("training.masterPort"),
  nnodes: by("nodes"),
  "nproc-per-node": by("npusPerNode"),
};
