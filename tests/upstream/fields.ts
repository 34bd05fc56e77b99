/**
 * Fields of upstream's JSON files, as facts: a line a field, its dotted path and its value as JSON. Lists of maps are values.
 *
 * Source: examples/opensoraplan1.3 and mindspeed_mm/tools/tools.json of MindSpeed-MM v26.0.0. Files share most of their fields, which
 * stand once.
 */
import type { GuideStack } from "../../src/recipes/opensoraplan13/upstream-differences.ts";

/** Fields of the files of one script: paths start with `model`, `data` or `tool`. */
export type FileFields = Readonly<Record<string, string>>;

/** Lines `path value` below a prefix. A value is JSON without spaces, or the rest of the line. */
function table(prefix: string, text: string): FileFields {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.indexOf(" ");
      return [`${prefix}.${line.slice(0, space)}`, JSON.stringify(JSON.parse(line.slice(space + 1)))];
    }),
  );
}

const predictor = (prefix: string, model: string, heads: number, dtype: string): FileFields => ({
  ...table(
    `${prefix}.predictor`,
    `num_layers 32
     head_dim 96
     in_channels 8
     out_channels 8
     dropout 0.0
     attention_q_bias true
     attention_k_bias true
     attention_v_bias true
     fa_layout "sbh"
     patch_size_thw [1,2,2]
     activation_fn "gelu-approximate"
     norm_elementwise_affine false
     norm_eps 1e-06
     caption_channels 4096
     interpolation_scale [1.0,1.0,1.0]
     sparse1d true
     sparse_n 4`,
  ),
  ...table(
    `${prefix}.predictor`,
    `model_id "${model}"
     num_heads ${heads}
     cross_attention_dim ${heads * 96}
     dtype "${dtype}"`,
  ),
});

const autoencoder = (dtype: string, file: string): FileFields =>
  table(
    "model.ae",
    `model_id "wfvae"
     from_pretrained "${file}"
     dtype "${dtype}"
     base_channels 128
     decoder_energy_flow_hidden_size 128
     decoder_num_resblocks 2
     dropout 0.0
     encoder_energy_flow_hidden_size 64
     encoder_num_resblocks 2
     latent_dim 8
     use_attention true
     norm_type "aelayernorm"
     t_interpolation "trilinear"`,
  );

const encoder = (dtype: string, folder: string): FileFields =>
  table(
    "model.text_encoder",
    `model_id "MT5"
     hub_backend "hf"
     from_pretrained "${folder}"
     dtype "${dtype}"`,
  );

const mt5 = "./weights/google/mt5-xxl";
const vae = "./weights/vae/wfvae_mm.pt";

interface Pretraining {
  readonly model: string;
  readonly heads: number;
  readonly usesFeatures: boolean;
  readonly autoencoder: string;
  readonly encoder: string;
}

const pretraining = ({ model, heads, usesFeatures, ...paths }: Pretraining): FileFields => ({
  ...table(
    "model",
    `load_video_features ${usesFeatures}
     load_text_features ${usesFeatures}
     enable_encoder_dp false`,
  ),
  ...predictor("model", model, heads, "bf16"),
  ...table("model.predictor", "from_pretrained null\npipeline_num_layers [8,8,8,8]"),
  ...table(
    "model.diffusion",
    `model_id "DDPM"
     num_train_steps 1000
     guidance_scale 7.5
     prediction_type "v_prediction"
     rescale_betas_zero_snr true
     timestep_spacing "leading"
     device "npu"
     snr_gamma 5.0
     t_sample_method "explicit_uniform"`,
  ),
  ...encoder("bf16", paths.encoder),
  ...table("model.text_encoder", "low_cpu_mem_usage false"),
  ...autoencoder("bf16", paths.autoencoder),
  ...table(
    "model.ae",
    `output_dtype "bf16"
     use_tiling false
     connect_res_layer_num 2
     vae_cp_size 1`,
  ),
});

const textModel: FileFields = {
  ...pretraining({ model: "videoditsparse", heads: 24, usesFeatures: false, autoencoder: vae, encoder: mt5 }),
  ...table(
    "model",
    `encoder_offload_interval 1
     patch.ae_float32 true
     use_dynamic_dpcp false
     max_cp_size 4
     max_seq_size 54853632`,
  ),
};
const imageModel: FileFields = {
  ...pretraining({
    model: "videoditsparsei2v",
    heads: 24,
    usesFeatures: false,
    autoencoder: "your pretrained ckpt path",
    encoder: "your config and pretrained ckpt path",
  }),
  ...table(
    "model",
    `task "i2v"
     encoder_offload_interval 1
     ae.i2v_processor.processor_id "opensoraplan_i2v_processor"
     ae.i2v_processor.vae_scale_factor [4,8,8]`,
  ),
};
const featureModel: FileFields = {
  ...pretraining({ model: "videoditsparse", heads: 32, usesFeatures: true, autoencoder: vae, encoder: mt5 }),
  ...table("model", "patch.ae_float32 true"),
};

const generation = (task: "t2v" | "i2v", model: string, weights: string, prompts: string): FileFields => ({
  ...predictor("model", model, 24, "fp16"),
  ...table("model.predictor", `from_pretrained "./weights/sparsedit/${weights}_mm.pth"`),
  ...autoencoder("fp16", vae),
  ...encoder("fp16", mt5),
  ...table(
    "model",
    `ae.vae_scale_factor [4,8,8]
     tokenizer.hub_backend "hf"
     tokenizer.autotokenizer_name "AutoTokenizer"
     tokenizer.from_pretrained "${mt5}"
     tokenizer.model_max_length 512
     diffusion.model_id "EulerAncestralDiscrete"
     diffusion.num_inference_steps 100
     diffusion.guidance_scale 7.5
     diffusion.prediction_type "v_prediction"
     diffusion.rescale_betas_zero_snr true
     diffusion.device "npu"
     diffusion.timestep_spacing "trailing"
     pipeline_config.version "v1.3"
     pipeline_config.use_attention_mask true
     pipeline_config.input_size [93,352,640]
     pipeline_config.model_type "${task}"
     frame_interval 1
     save_path "examples/opensoraplan1.3/${task}/samples/"
     fps 18
     prompt "examples/opensoraplan1.3/${task}/${prompts}"
     use_prompt_preprocess false
     pipeline_class "OpenSoraPlanPipeline"
     device "npu"
     dtype "fp16"`,
  ),
});

const textGeneration = generation("t2v", "videoditsparse", "sparsedit", "samples_prompt.txt");
const imageGeneration: FileFields = {
  ...generation("i2v", "videoditsparsei2v", "sparsediti2v", "cond_prompt.txt"),
  ...table(
    "model",
    `conditional_pixel_values_path "examples/opensoraplan1.3/i2v/cond_pix_path.txt"
     mask_type "i2v"
     crop_for_hw true
     max_hxw 236544`,
  ),
};

const evaluation = table(
  "model.eval_config",
  `dataset.basic_param.return_type "list"
   dataset.basic_param.data_storage_mode "standard"
   dataset.extra_param.ratio "16-9"
   dataloader_param.dataloader_mode "sampler"
   dataloader_param.sampler_type "SequentialSampler"
   dataloader_param.shuffle true
   dataloader_param.drop_last false
   dataloader_param.pin_memory true
   dataloader_param.group_frame false
   dataloader_param.group_resolution false
   dataloader_param.collate_param {}
   dataloader_param.prefetch_factor 4
   evaluation_model "OpenSoraPlan-1.3"
   evaluation_impl "vbench_eval"
   load_ckpt_from_local true
   need_inference true
   eval_result_path "./eval_result"`,
);
const textEvaluation = table(
  "model.eval_config",
  `dataset.type "vbench_eval"
   dataset.basic_param.data_path "t2v-dataset/VBench_full_info.json"
   dataset.basic_param.data_folder "vbench/prompts"
   dataset.extra_param.augment false
   dataset.extra_param.prompt_file "all_dimension.txt"
   dataset.extra_param.augmented_prompt_file "augmented_prompts/gpt_enhanced_prompts/all_dimension_longer.txt"
   eval_type "t2v"
   long_eval_config "path_to_long_eval_configs"
   dimensions ["subject_consistency","background_consistency","aesthetic_quality","imaging_quality","temporal_style","overall_consistency","human_action","temporal_flickering","motion_smoothness","dynamic_degree","appearance_style"]`,
);
const imageEvaluation = table(
  "model.eval_config",
  `dataset.type "vbench_i2v"
   dataset.basic_param.data_path "i2v-dataset/vbench2_i2v_full_info.json"
   dataset.basic_param.data_folder "vbench2_i2v/data"
   eval_type "i2v"
   dimensions ["subject_consistency"]
   image_path "vbench2_i2v/data/crop"`,
);

const data = table(
  "data",
  `dataset_param.preprocess_parameters.video_processor_type "OpensoraplanVideoProcessor"
   dataset_param.preprocess_parameters.video_reader_type "DecordVideo"
   dataset_param.preprocess_parameters.image_reader_type "Image"
   dataset_param.preprocess_parameters.frame_interval 1
   dataset_param.preprocess_parameters.speed_factor 1.0
   dataset_param.preprocess_parameters.drop_short_ratio 0.0
   dataset_param.preprocess_parameters.vae_scale_factor [4,8,8]
   dataset_param.preprocess_parameters.cfg 0.1
   dataset_param.preprocess_parameters.hw_stride 32
   dataset_param.preprocess_parameters.hw_aspect_thr 2.0
   dataset_param.preprocess_parameters.use_aesthetic true
   dataset_param.use_text_processer true
   dataset_param.tokenizer_config.hub_backend "hf"
   dataset_param.tokenizer_config.autotokenizer_name "AutoTokenizer"
   dataset_param.tokenizer_config.model_max_length 512
   dataloader_param.dataloader_mode "sampler"
   dataloader_param.sampler_type "LengthGroupedSampler"
   dataloader_param.shuffle true
   dataloader_param.drop_last true
   dataloader_param.group_frame false
   dataloader_param.group_resolution false
   dataloader_param.group_data true
   dataloader_param.initial_global_step_for_sampler 0`,
);
const combined = table(
  "data",
  `dataset_param.basic_parameters.data_path "./examples/opensoraplan1.3/data.txt"
   dataset_param.basic_parameters.data_storage_mode "combine"
   dataloader_param.collate_param.model_name "open_sora_plan"`,
);

const clip = (frames: number, least: number, rate: number, seed: number, isFixed: boolean): FileFields =>
  table(
    "data.dataset_param.preprocess_parameters",
    `num_frames ${frames}
     min_num_frames ${least}
     train_fps ${rate}
     seed ${seed}
     force_resolution ${isFixed}`,
  );

const tensor = '{"trans_type":"ToTensorVideo"}';
const norm = '{"trans_type":"ae_norm"}';
const resize =
  '{"trans_type":"MaxHWResizeVideo","param":{"align_corners":true,"antialias":true,"transform_size":"auto"}}';
const stride = '{"trans_type":"SpatialStrideCropVideo","param":{"stride":32}}';
const center = (isTop: boolean): string =>
  `{"trans_type":"CenterCropResizeVideo","param":{"use_short_edge":false,"top_crop":${isTop},"align_corners":true,"antialias":true,"transform_size":"auto"}}`;
const fixedPipelines = table(
  "data.dataset_param.preprocess_parameters",
  `train_pipeline.video [${tensor},${center(false)},${norm}]
   train_pipeline.image [${tensor},${center(true)},${norm}]`,
);

const textData: FileFields = {
  ...data,
  ...combined,
  ...clip(93, 29, 16, 42, false),
  ...table(
    "data",
    `dataset_param.preprocess_parameters.max_hxw 225280
     dataset_param.preprocess_parameters.train_pipeline.video [${tensor},${resize},${stride},${norm}]
     dataset_param.tokenizer_config.from_pretrained "${mt5}"
     dataloader_param.pin_memory true`,
  ),
};
/** The alternative that the guide names for text-to-video. */
export const staticTextData: FileFields = {
  ...data,
  ...combined,
  ...clip(93, 93, 16, 42, true),
  ...fixedPipelines,
  ...table(
    "data",
    `dataset_param.preprocess_parameters.max_height 352
     dataset_param.preprocess_parameters.max_width 640
     dataset_param.tokenizer_config.from_pretrained "${mt5}"
     dataloader_param.num_workers 4
     dataloader_param.pin_memory true`,
  ),
};
const imageData: FileFields = {
  ...data,
  ...combined,
  ...clip(93, 29, 18, 1234, false),
  ...table(
    "data",
    `dataset_param.preprocess_parameters.max_hxw 236544
     dataset_param.preprocess_parameters.min_hxw 102400
     dataset_param.preprocess_parameters.train_pipeline.video [${resize},${stride}]
     dataset_param.preprocess_parameters.train_pipeline_after_resize.video [{"trans_type":"ToTensorAfterResize"},${norm}]
     dataset_param.tokenizer_config.from_pretrained "your model path"
     dataset_param.mask_type_ratio_dict_video.i2v 1
     dataloader_param.pin_memory false`,
  ),
};
const featureClip: FileFields = {
  ...data,
  ...clip(45, 45, 16, 42, true),
  ...fixedPipelines,
  ...table(
    "data",
    `dataset_param.preprocess_parameters.max_height 720
     dataset_param.preprocess_parameters.max_width 1280
     dataset_param.tokenizer_config.from_pretrained "${mt5}"
     dataloader_param.pin_memory true`,
  ),
};
const kind = (name: string): FileFields => table("data", `dataset_param.dataset_type "${name}"`);
const workers = (count: number): FileFields => table("data", `dataloader_param.num_workers ${count}`);
const featureData: FileFields = {
  ...featureClip,
  ...kind("feature"),
  ...workers(4),
  ...table(
    "data.dataset_param.basic_parameters",
    'data_path "./sora_features/data.jsonl"\ndata_folder "./sora_features/"',
  ),
};

const tool = table(
  "tool",
  `profile.enable false
   profile.profile_type "static"
   profile.ranks [0,1,2,3]
   profile.static_param.level "level1"
   profile.static_param.with_stack false
   profile.static_param.with_memory false
   profile.static_param.record_shapes false
   profile.static_param.with_cpu true
   profile.static_param.save_path "./npu_profiling"
   profile.static_param.start_step 10
   profile.static_param.end_step 11
   profile.static_param.data_simplification false
   profile.static_param.aic_metrics_type "PipeUtilization"
   profile.dynamic_param.config_path "path to dynamic config folder"
   memory_profile.enable false
   memory_profile.start_step 0
   memory_profile.end_step 2
   memory_profile.save_path "./memory_snapshot"
   memory_profile.dump_ranks [0]
   memory_profile.stacks "all"
   memory_profile.max_entries null
   memory_profile.mem_info false
   sorafeature.save_path "./sora_features"`,
);

/** Fields of the files that each script reads. */
export const fileFields: Readonly<Record<GuideStack, FileFields>> = {
  "guide-t2v-pretrain": { ...textModel, ...textData, ...kind("t2v"), ...tool },
  "guide-i2v-pretrain": { ...imageModel, ...imageData, ...kind("i2v"), ...tool },
  "guide-t2v-inference": textGeneration,
  "guide-i2v-inference": imageGeneration,
  "guide-t2v-evaluate": { ...textGeneration, ...evaluation, ...textEvaluation },
  "guide-i2v-evaluate": { ...imageGeneration, ...evaluation, ...imageEvaluation },
  "guide-extract-features": { ...featureModel, ...featureClip, ...combined, ...kind("t2v"), ...workers(8), ...tool },
  "guide-feature-pretrain-a2": { ...featureModel, ...featureData, ...tool },
  "guide-feature-pretrain-a3": { ...featureModel, ...featureData, ...tool },
};
