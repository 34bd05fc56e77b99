/** Rules on pipeline and virtual pipeline parallelism. */
import type { LayoutRule, Setting } from "./facts.ts";
import { isCount, list, type ParallelLayout } from "./layout.ts";

const predictor = "MM mindspeed_mm/models/predictor/predict_model.py";
const stageSettings: readonly Setting[] = ["pipeline", "virtualPipeline", "layersPerStage"];
const stagesPath = ["parallel", "layersPerStage"];

const text = (stages: ParallelLayout["layersPerStage"]): string =>
  stages.length === 1 ? JSON.stringify(stages[0]) : JSON.stringify(stages);

/** Layers of each stage over all its virtual chunks. */
const stageTotals = ({ layersPerStage, pipeline }: ParallelLayout): readonly number[] =>
  Array.from({ length: pipeline }, (_, stage) => layersPerStage.reduce((sum, chunk) => sum + (chunk[stage] ?? 0), 0));

/** One list for each virtual chunk. */
export const virtualChunksMatch: LayoutRule = {
  name: "virtual-chunks-match",
  severity: "error",
  source: `MM mindspeed_mm/patchs/validate_args_patch.py:263-271; ${predictor}:89`,
  mendedBy: stageSettings,
  isBroken: ({ layout }) => layout.pipeline > 1 && layout.layersPerStage.length !== layout.virtualPipeline,
  finding: ({ layout }) => ({
    path: stagesPath,
    what: `virtual pipeline ${layout.virtualPipeline} needs ${layout.virtualPipeline === 1 ? "one list of layers" : `${layout.virtualPipeline} lists of layers, one for each chunk`}`,
    got: text(layout.layersPerStage),
    allowed: `${layout.virtualPipeline} × ${layout.pipeline} layer counts`,
  }),
};

/** One layer count for each pipeline stage. */
export const stageCountMatches: LayoutRule = {
  name: "stage-count-matches",
  severity: "error",
  source: `${predictor}:92,103`,
  mendedBy: stageSettings,
  isBroken: ({ layout }) =>
    layout.pipeline > 1 && layout.layersPerStage.some((chunk) => chunk.length !== layout.pipeline),
  finding: ({ layout }) => ({
    path: stagesPath,
    what: `each list of layers needs one count for each of the ${layout.pipeline} pipeline stages`,
    got: text(layout.layersPerStage),
    allowed: `${layout.pipeline} counts`,
  }),
};

const total = (stages: ParallelLayout["layersPerStage"]): number =>
  stages.reduce((sum, chunk) => sum + chunk.reduce((inner, count) => inner + count, 0), 0);

/** Every layer of the model is on one stage. Upstream checks the sum on the first stage only; the others hang. */
export const stageLayersSum: LayoutRule = {
  name: "stage-layers-sum",
  severity: "error",
  source: `${predictor}:81-86`,
  mendedBy: stageSettings,
  isBroken: ({ layout, model }) => layout.pipeline > 1 && total(layout.layersPerStage) !== model.layers,
  finding: ({ layout, model }) => ({
    path: stagesPath,
    what: `the stages must hold the model's ${model.layers} layers`,
    got: `${text(layout.layersPerStage)} = ${total(layout.layersPerStage)}`,
    allowed: `counts that add up to ${model.layers}`,
  }),
};

/** No stage, and no virtual chunk of one, is empty. */
export const stageLayersPositive: LayoutRule = {
  name: "stage-layers-positive",
  severity: "error",
  source: `${predictor}:116`,
  mendedBy: stageSettings,
  isBroken: ({ layout }) =>
    layout.pipeline > 1 && layout.layersPerStage.some((chunk) => chunk.some((count) => !isCount(count))),
  finding: ({ layout, model }) => ({
    path: ["parallel", "pipeline"],
    what: `every stage and every virtual chunk needs at least one of the model's ${model.layers} layers`,
    got: `pipeline ${layout.pipeline} × virtual pipeline ${layout.virtualPipeline}: ${text(layout.layersPerStage)}`,
    allowed: `at most ${model.layers} chunks in all`,
  }),
};

/** Without pipelining nobody reads the list. */
export const stageLayersUsed: LayoutRule = {
  name: "stage-layers-used",
  severity: "warning",
  source: `${predictor}:77 (read only with several stages)`,
  mendedBy: stageSettings,
  isBroken: ({ request }) => request.pipeline === 1 && request.layersPerStage !== undefined,
  finding: () => ({
    path: stagesPath,
    what: "layers per stage have no effect without pipeline parallelism",
    got: "a list with pipeline 1",
    allowed: "pipeline above 1, or no list",
  }),
};

/** Stages that virtual pipelining needs: three when sending waits for computation. */
const stagesNeeded = (overlaps: boolean | undefined): number => (overlaps === false ? 3 : 2);

/** Virtual chunks make sense between several stages. */
export const virtualNeedsPipeline: LayoutRule = {
  name: "virtual-needs-pipeline",
  severity: "error",
  source: "MM mindspeed_mm/patchs/validate_args_patch.py:251-259",
  mendedBy: ["pipeline", "virtualPipeline"],
  isBroken: ({ layout, run }) =>
    layout.virtualPipeline > 1 && layout.pipeline < stagesNeeded(run?.overlapsPointToPoint),
  finding: ({ layout, run }) => ({
    path: ["parallel", "virtualPipeline"],
    what: `virtual pipelining needs ${stagesNeeded(run?.overlapsPointToPoint)} pipeline stages or more${run?.overlapsPointToPoint === false ? " when point-to-point transfers do not overlap" : ""}`,
    got: `virtual pipeline ${layout.virtualPipeline} with pipeline ${layout.pipeline}`,
    allowed: `virtual pipeline 1, or pipeline ${stagesNeeded(run?.overlapsPointToPoint)} and more`,
  }),
};

/** The interleaved schedule hands microbatches round in groups of one a stage. */
export const virtualMicrobatchesDivide: LayoutRule = {
  name: "virtual-microbatches-divide",
  severity: "error",
  source: "MS core/pipeline_parallel/multiparameter_schedules.py:210",
  mendedBy: ["tensor", "pipeline", "virtualPipeline", "context", "micro", "accumulation", "global"],
  isBroken: ({ layout, batch }) =>
    layout.virtualPipeline > 1 &&
    (batch.global === undefined || isCount(layout.data)) &&
    isCount(layout.microbatches) &&
    layout.microbatches % layout.pipeline !== 0,
  finding: ({ layout, batch }) => ({
    path: ["batch", batch.global === undefined ? "accumulation" : "global"],
    what: `virtual pipelining needs a number of microbatches that pipeline ${layout.pipeline} divides`,
    got: `${layout.microbatches} microbatches`,
    allowed: `a multiple of ${layout.pipeline}`,
  }),
};

/** Weights that the converter loses would start from random values, and loading does not complain. */
export const convertedKeysKept: LayoutRule = {
  name: "converted-keys-kept",
  severity: "error",
  source: "MM checkpoint converter of OpenSoraPlan, hf_to_mm; models/sora_model.py:266 (loads non-strictly)",
  mendedBy: ["pipeline"],
  isBroken: ({ layout, model }) => layout.pipeline > 1 && (model.keysLostWithPipeline?.length ?? 0) > 0,
  finding: ({ layout, model }) => ({
    path: ["parallel", "pipeline"],
    what: `converting for pipeline stages loses weights of this model (${list(model.keysLostWithPipeline ?? [])}), which would silently start from random values`,
    got: `${layout.pipeline}`,
    allowed: "1",
  }),
};

/** Later stages have no autoencoder to convert. */
export const autoencoderTypeWithPipeline: LayoutRule = {
  name: "autoencoder-type-with-pipeline",
  severity: "error",
  source: "MM mindspeed_mm/models/sora_model.py (the autoencoder exists on the first stage only)",
  mendedBy: ["pipeline"],
  isBroken: ({ layout, run }) => layout.pipeline > 1 && run?.autoencoderType === "fp32",
  finding: ({ layout }) => ({
    path: ["parallel", "pipeline"],
    what: "an autoencoder in fp32 is set up on every stage, but only the first one has it",
    got: `pipeline ${layout.pipeline} with an fp32 autoencoder`,
    allowed: "pipeline 1, or an autoencoder in bf16",
  }),
};

/** The first stage also holds the text encoder and the autoencoder. */
export const firstStageLighter: LayoutRule = {
  name: "first-stage-lighter",
  severity: "warning",
  source: "MM mindspeed_mm/models/sora_model.py (pre_process)",
  mendedBy: stageSettings,
  isBroken: ({ request, layout, run }) => {
    if (layout.pipeline === 1 || request.layersPerStage === undefined || run?.usesFeatures === true) return false;
    const [first = 0, ...others] = stageTotals(layout);
    return others.some((count) => count < first);
  },
  finding: ({ layout }) => ({
    path: stagesPath,
    what: "the first stage also holds the text encoder and the autoencoder, and may run out of memory with more layers than another",
    got: list(stageTotals(layout)),
    allowed: "at most as many layers on the first stage as on any other",
  }),
};

/** Each virtual chunk of the first stage may build encoders of its own. */
export const virtualFirstStageMemory: LayoutRule = {
  name: "virtual-first-stage-memory",
  severity: "warning",
  source: "MM mindspeed_mm/models/sora_model.py (pipeline rank 0 builds the encoders; by reading, unverified)",
  mendedBy: ["pipeline", "virtualPipeline"],
  isBroken: ({ layout, run }) => layout.virtualPipeline > 1 && layout.pipeline > 1 && run?.usesFeatures !== true,
  finding: ({ layout }) => ({
    path: ["parallel", "virtualPipeline"],
    what: "every virtual chunk on the first stage may build the text encoder and the autoencoder anew, which costs memory; unverified upstream",
    got: `${layout.virtualPipeline}`,
    allowed: "1 where memory is short",
  }),
};

/** The rules of this file. */
export const pipelineRules = [
  virtualNeedsPipeline,
  virtualChunksMatch,
  stageCountMatches,
  stageLayersSum,
  stageLayersPositive,
  stageLayersUsed,
  virtualMicrobatchesDivide,
  convertedKeysKept,
  autoencoderTypeWithPipeline,
  firstStageLighter,
  virtualFirstStageMemory,
] as const;
