/**
 * Fields of upstream's files that follow from other settings, and fields that upstream reads although its own files do not hold them.
 * Paths are dotted, relative to the file.
 */
import type { FieldRules } from "../../overrides/fields.ts";
import type { Owned } from "../../overrides/owned-options.ts";

const by = (setting: string): Owned => ({ setting, reason: `it follows from ${setting}` });
const because = (reason: string): Owned => ({ reason });

const network = "the weights, their conversion and the rules on the layout are made for this network";
const features = "the recipe decides whether clips or features are read";
const list = "the stage before writes it, and its place follows from what it is made of";

const weightFields: FieldRules["owned"] = {
  "ae.from_pretrained": by("sources.vae"),
  "text_encoder.from_pretrained": by("sources.textEncoder"),
  "predictor.from_pretrained": because("weights come from --load, whose layout the pod checks"),
  "predictor.model_id": because(network),
  "predictor.num_layers": because(network),
  "predictor.num_heads": because(network),
  "predictor.head_dim": because(network),
};

/** The model file of a training or an extraction. */
export const trainingModelRules: FieldRules = {
  owned: {
    ...weightFields,
    task: because("the recipe is the task"),
    load_video_features: because(features),
    load_text_features: because(features),
    enable_encoder_dp: by("parallel.encoderData"),
    encoder_offload_interval: by("parallel.encoderOffloadInterval"),
    use_dynamic_dpcp: by("parallel.dynamicContext"),
    max_cp_size: by("parallel.dynamicContext.maximumContext"),
    max_seq_size: by("parallel.dynamicContext.maximumSequenceLength"),
    "predictor.pipeline_num_layers": by("parallel.layersPerStage"),
    "ae.vae_cp_size": by("parallel.vaeContext"),
  },
  known: { patch: {}, "patch.ae_float32": true },
};

/** The data file of a training or an extraction. */
export const dataRules: FieldRules = {
  owned: {
    "dataset_param.dataset_type": because(features),
    "dataset_param.basic_parameters.data_path": because(list),
    "dataset_param.basic_parameters.data_folder": because(list),
    "dataset_param.basic_parameters.data_storage_mode": because(list),
    "dataset_param.tokenizer_config.from_pretrained": by("sources.textEncoder"),
    "dataset_param.preprocess_parameters.num_frames": by("clip.frames"),
    "dataset_param.preprocess_parameters.min_num_frames": by("clip.minimumFrames"),
    "dataset_param.preprocess_parameters.train_fps": by("clip.framesPerSecond"),
    "dataset_param.preprocess_parameters.max_hxw": by("clip.maximumArea"),
    "dataset_param.preprocess_parameters.min_hxw": by("clip.minimumArea"),
    "dataset_param.preprocess_parameters.max_height": by("clip.height"),
    "dataset_param.preprocess_parameters.max_width": by("clip.width"),
    "dataset_param.preprocess_parameters.force_resolution": because("it follows from the kind of clips"),
    "dataset_param.preprocess_parameters.vae_scale_factor": because(network),
    "dataloader_param.num_workers": by("training.workers"),
  },
  known: {
    "dataset_param.basic_parameters.use_multiprocess": false,
    "dataset_param.basic_parameters.reserved_keys": ["path"],
    "dataset_param.mask_type_ratio_dict_video.transition": 1,
    "dataset_param.mask_type_ratio_dict_video.continuation": 1,
    "dataset_param.mask_type_ratio_dict_video.clear": 1,
    "dataset_param.mask_type_ratio_dict_video.random_temporal": 1,
    "dataset_param.mask_type_ratio_dict_video.t2iv": 1,
  },
};

/** The tool file. */
export const toolRules: FieldRules = {
  owned: { "sorafeature.save_path": because("its place follows from what the features are made of") },
  known: {},
};

/** The model file of inference and evaluation. */
export const inferenceModelRules: FieldRules = {
  owned: {
    ...weightFields,
    "tokenizer.from_pretrained": by("sources.textEncoder"),
    "diffusion.num_inference_steps": by("inference.steps"),
    "diffusion.guidance_scale": by("inference.guidance"),
    "pipeline_config.input_size": by("inference.frames, inference.height and inference.width"),
    "pipeline_config.model_type": because("the recipe is the task"),
    fps: by("inference.framesPerSecond"),
    save_path: because("its place follows from what is made"),
    prompt: by("inference.prompts"),
    conditional_pixel_values_path: by("inference.images"),
    mask_type: by("inference.images"),
    "eval_config.dataset.basic_param.data_path": by("evaluation.list"),
    "eval_config.dataset.basic_param.data_folder": by("evaluation.folder"),
    "eval_config.dataset.extra_param.ratio": by("evaluation.ratio"),
    "eval_config.image_path": by("evaluation.images"),
    "eval_config.dimensions": by("evaluation.dimensions"),
    "eval_config.need_inference": by("evaluation.generate"),
    "eval_config.eval_result_path": because("its place follows from what is made"),
  },
  known: { "ae.use_tiling": false, "text_encoder.low_cpu_mem_usage": false },
};
