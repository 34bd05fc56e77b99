/**
 * The model file (`--mm-model`) of inference and evaluation.
 *
 * Fields and values: inference_t2v_model.json, eval_t2v_model.json (folder t2v), inference_i2v_model.json and eval_i2v_model.json
 * (i2v) of examples/opensoraplan1.3 in MindSpeed-MM v26.0.0.
 */
import { autoencoderScale, captionLength, clips } from "./facts.ts";
import { autoencoderFields, type Fields, type ModelPaths, predictorFields } from "./model-file.ts";
import type { InferenceSettings } from "./surface/inference.ts";
import type { Task } from "./task.ts";

/** What a video starts from, by what the user gives for each prompt. */
export type Condition = "i2v" | "transition" | "continuation";

/** Paths in the pod that the file names. */
export interface InferencePaths extends ModelPaths {
  /** Folder of the videos; it ends in a slash, as upstream's does. */
  readonly save: string;
  /** File of prompts, one a line. */
  readonly prompts: string;
  /** File of pictures or videos to start from, one line a prompt. */
  readonly conditions: string;
}

/** Fields of image-to-video alone. */
const conditionFields = (paths: InferencePaths, condition: Condition): Fields => ({
  conditional_pixel_values_path: paths.conditions,
  mask_type: condition,
  crop_for_hw: true,
  max_hxw: clips.i2v.size.maximum,
});

/**
 * The content of the file as data; keys keep upstream's names. `predictor.from_pretrained` is null, because the weights come from
 * `--load`: the file is read first, and the program ends when it is missing.
 */
export const inferenceFile = (
  task: Task,
  settings: InferenceSettings,
  paths: InferencePaths,
  condition: Condition,
): Fields => ({
  predictor: predictorFields(task.predictor, "fp16"),
  ae: { ...autoencoderFields(paths.autoencoder, "fp16"), vae_scale_factor: autoencoderScale },
  text_encoder: { model_id: "MT5", hub_backend: "hf", from_pretrained: paths.textEncoder, dtype: "fp16" },
  tokenizer: {
    hub_backend: "hf",
    autotokenizer_name: "AutoTokenizer",
    from_pretrained: paths.textEncoder,
    model_max_length: captionLength,
  },
  diffusion: {
    model_id: "EulerAncestralDiscrete",
    num_inference_steps: settings.steps,
    guidance_scale: settings.guidance,
    prediction_type: "v_prediction",
    rescale_betas_zero_snr: true,
    device: "npu",
    timestep_spacing: "trailing",
  },
  pipeline_config: {
    version: "v1.3",
    use_attention_mask: true,
    input_size: [settings.frames, settings.height, settings.width],
    model_type: task.name,
  },
  frame_interval: 1,
  save_path: paths.save,
  fps: settings.framesPerSecond,
  prompt: paths.prompts,
  use_prompt_preprocess: false,
  pipeline_class: "OpenSoraPlanPipeline",
  device: "npu",
  dtype: "fp16",
  ...(task.name === "i2v" ? conditionFields(paths, condition) : {}),
});

/** Absolute paths of what VBench reads and writes. */
export interface EvaluationPaths {
  readonly list: string;
  readonly folder: string;
  /** Cropped pictures; image-to-video alone. */
  readonly images: string | undefined;
  readonly result: string;
}

/** Settings of an evaluation that stand in the file. */
export interface EvaluationChoice {
  readonly dimensions: readonly string[];
  readonly ratio: string;
  readonly generate: boolean;
}

const textPrompts: Fields = {
  augment: false,
  prompt_file: "all_dimension.txt",
  augmented_prompt_file: "augmented_prompts/gpt_enhanced_prompts/all_dimension_longer.txt",
};

/** The section that an evaluation adds to the file. */
export function evaluationSection(task: Task, settings: EvaluationChoice, paths: EvaluationPaths): Fields {
  const isText = task.name === "t2v";
  return {
    dataset: {
      type: isText ? "vbench_eval" : "vbench_i2v",
      basic_param: {
        data_path: paths.list,
        data_folder: paths.folder,
        return_type: "list",
        data_storage_mode: "standard",
      },
      extra_param: { ...(isText ? textPrompts : {}), ratio: settings.ratio },
    },
    dataloader_param: {
      dataloader_mode: "sampler",
      sampler_type: "SequentialSampler",
      shuffle: true,
      drop_last: false,
      pin_memory: true,
      group_frame: false,
      group_resolution: false,
      collate_param: {},
      prefetch_factor: 4,
    },
    evaluation_model: "OpenSoraPlan-1.3",
    evaluation_impl: "vbench_eval",
    eval_type: task.name,
    // Read for long videos alone; upstream's file carries the placeholder.
    ...(isText ? { long_eval_config: "path_to_long_eval_configs" } : {}),
    load_ckpt_from_local: true,
    need_inference: settings.generate,
    dimensions: settings.dimensions,
    eval_result_path: paths.result,
    ...(paths.images === undefined ? {} : { image_path: paths.images }),
  };
}
