/** Rules on batch sizes, recomputation and number formats. */
import type { LayoutRule } from "./facts.ts";
import { isCount } from "./layout.ts";

/** The global batch must split into whole microbatches on every replica. */
export const globalBatchDivides: LayoutRule = {
  name: "global-batch-divides",
  severity: "error",
  source: "MC core/num_microbatches_calculator.py:340",
  mendedBy: ["tensor", "pipeline", "context", "micro", "global"],
  isBroken: ({ layout, batch }) => batch.global !== undefined && isCount(layout.data) && !isCount(layout.microbatches),
  finding: ({ layout }) => ({
    path: ["batch", "global"],
    what: `the global batch is not a multiple of micro batch ${layout.microBatch} × data parallel ${layout.data}`,
    got: `${layout.globalBatch}`,
    allowed: `a multiple of ${layout.microBatch * layout.data}`,
  }),
};

/** An inference works through its prompts in whole microbatches. */
export const promptsDivide: LayoutRule = {
  name: "prompts-divide",
  severity: "error",
  source: "MM mindspeed_mm/tasks/inference/pipeline/utils/sora_utils.py",
  mendedBy: ["micro"],
  isBroken: ({ layout, run }) => run?.prompts !== undefined && run.prompts % layout.microBatch !== 0,
  finding: ({ layout, run }) => ({
    path: ["batch", "micro"],
    what: `${run?.prompts} prompts cannot be split into microbatches of ${layout.microBatch}`,
    got: `${layout.microBatch}`,
    allowed: `a divisor of ${run?.prompts}`,
  }),
};

const sparseTransformer = "MM mindspeed_mm/models/predictor/dits/video_dit_sparse.py";

/** The sparse transformer computes whole layers again, or none. */
export const recomputeIsFull: LayoutRule = {
  name: "recompute-is-full",
  severity: "error",
  source: `${sparseTransformer}:97`,
  mendedBy: [],
  isBroken: ({ run }) => run?.recompute?.granularity === "selective",
  finding: () => ({
    path: ["training", "recompute", "granularity"],
    what: "this model cannot compute selected activations again",
    got: "selective",
    allowed: "full, or no recomputation",
    nearest: ["full"],
  }),
};

/** Saved activations stay on their rank. */
export const activationsStayLocal: LayoutRule = {
  name: "activations-stay-local",
  severity: "error",
  source: `${sparseTransformer}:99`,
  mendedBy: [],
  isBroken: ({ run }) => run?.recompute?.distributesActivations === true,
  finding: () => ({
    path: ["training", "recompute", "distributesActivations"],
    what: "this model cannot spread saved activations over tensor parallel ranks (--distribute-saved-activations)",
    got: "true",
    allowed: "false",
    nearest: ["false"],
  }),
};

/** Block recomputation counts layers of a stage, or of a virtual chunk; more than there are is capped in silence. */
export const recomputeLayersFit: LayoutRule = {
  name: "recompute-layers-fit",
  severity: "warning",
  source: "MC core/transformer/transformer_block.py (block method, layers of the own stage)",
  mendedBy: ["pipeline", "virtualPipeline", "layersPerStage"],
  isBroken: ({ layout, run }) =>
    run?.recompute !== undefined &&
    run.recompute.method !== "uniform" &&
    run.recompute.layers > Math.max(...layout.layersPerStage.flat()),
  finding: ({ layout, run }) => {
    const largest = Math.max(...layout.layersPerStage.flat());
    return {
      path: ["training", "recomputeLayers"],
      what: `no stage holds more than ${largest} layers; the framework caps the layers to compute again in silence`,
      got: `${run?.recompute?.layers}`,
      allowed: `at most ${largest}`,
      nearest: [`${largest}`],
    };
  },
};

/** The model file and the arguments name the same number format. */
export const precisionAgrees: LayoutRule = {
  name: "precision-agrees",
  severity: "error",
  source: "MM examples/opensoraplan1.3/README.md (dtype fields and --bf16 or --fp16)",
  mendedBy: [],
  isBroken: ({ run }) => run?.precision?.files.some((format) => format !== run.precision?.training) === true,
  finding: ({ run }) => ({
    path: ["training"],
    what: "the number formats of the model file and of the training arguments differ",
    got: `${run?.precision?.files.join(", ")} in the model file`,
    allowed: `${run?.precision?.training}`,
    nearest: [`${run?.precision?.training}`],
  }),
};

/** The rules of this file. */
export const batchRules = [
  globalBatchDivides,
  promptsDivide,
  recomputeIsFull,
  activationsStayLocal,
  recomputeLayersFit,
  precisionAgrees,
] as const;
