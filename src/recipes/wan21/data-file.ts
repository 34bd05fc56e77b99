/**
 * The data files (`--mm-data`) of the pretraining and of the feature extraction.
 *
 * Fields and values: 1.3b/t2v/feature_data.json and feature_extract/data.json of examples/wan2.1 in MindSpeed-MM v26.0.0.
 */
import type { Fields } from "../mindspeed-mm/fields.ts";
import { type Clip, clipFilter } from "./facts.ts";

const readers = {
  video_processor_type: "OpensoraplanVideoProcessor",
  video_reader_type: "DecordVideo",
  image_reader_type: "Image",
} as const;

const sizes = ({ height, width, framesPerSecond }: Clip): Fields => ({
  max_height: height,
  max_width: width,
  max_hxw: height * width,
  train_fps: framesPerSecond,
  speed_factor: 1,
  drop_short_ratio: 0,
  cfg: 0,
  hw_stride: clipFilter.stride,
  force_resolution: false,
});

const dataloader: Fields = {
  dataloader_mode: "sampler",
  sampler_type: "LengthGroupedSampler",
  shuffle: true,
  drop_last: true,
  pin_memory: true,
  group_frame: false,
  group_resolution: false,
  group_data: true,
  initial_global_step_for_sampler: 0,
};

const tokeniser = (folder: string, length: number): Fields => ({
  autotokenizer_name: "AutoTokenizer",
  hub_backend: "hf",
  from_pretrained: folder,
  model_max_length: length,
});

/**
 * Features as samples. What it says of clips and tokens was done by the extraction.
 *
 * @param featureFolder folder of the features
 * @param tokeniserFolder tokeniser in Hugging Face form, which the dataset loads all the same
 */
export const featureDataFile = (clip: Clip, featureFolder: string, tokeniserFolder: string): Fields => ({
  dataset_param: {
    dataset_type: "feature",
    basic_parameters: { data_path: `${featureFolder}/data.jsonl`, data_folder: `${featureFolder}/` },
    preprocess_parameters: {
      ...readers,
      num_frames: clip.frames,
      frame_interval: 1,
      ...sizes(clip),
      hw_aspect_thr: 2,
    },
    use_text_processer: true,
    enable_text_preprocessing: false,
    tokenizer_config: [tokeniser(tokeniserFolder, 256)],
  },
  dataloader_param: dataloader,
});

const half = { trans_type: "norm_fun", param: { mean: 0.5, std: 0.5 } } as const;

const resize = (param: Fields): Fields => ({ trans_type: "ResizeVideo", param });

const framePipelines: Fields = {
  video_and_first_frame: [
    resize({ transform_size: "auto", interpolation_mode: "bilinear", antialias: true, mode: "shortside" }),
    { trans_type: "ToTensorVideo" },
  ],
  video_only: [
    {
      trans_type: "CenterCropResizeVideo",
      param: { use_short_edge: false, top_crop: false, align_corners: false, antialias: true, transform_size: "auto" },
    },
    half,
  ],
  first_frame_clip: [
    resize({
      transform_size: { max_height: 224, max_width: 224 },
      mode: "resize",
      interpolation_mode: "bicubic",
      align_corners: false,
      antialias: false,
    }),
    {
      trans_type: "norm_fun",
      // Mean and standard deviation of CLIP's training pictures.
      param: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
    },
  ],
  first_frame_vae: [
    resize({
      transform_size: "auto",
      mode: "resize",
      interpolation_mode: "bilinear",
      align_corners: false,
      antialias: false,
    }),
    half,
  ],
};

/**
 * Videos for the extraction.
 *
 * @param list file with lines of video folder and annotation file
 */
export const videoDataFile = (clip: Clip, list: string, tokeniserFolder: string): Fields => ({
  dataset_param: {
    dataset_type: "t2v",
    basic_parameters: { data_path: list, data_storage_mode: "combine" },
    preprocess_parameters: {
      ...readers,
      num_frames: clip.frames,
      min_num_frames: clipFilter.minimumFrames,
      frame_interval: 1,
      auto_interval: false,
      ...sizes(clip),
      hw_aspect_thr: clipFilter.aspectLimit,
      train_pipeline: framePipelines,
    },
    use_text_processer: true,
    enable_text_preprocessing: true,
    text_preprocess_methods: { method: "whitespace_clean" },
    tokenizer_config: tokeniser(tokeniserFolder, 512),
  },
  dataloader_param: dataloader,
});
