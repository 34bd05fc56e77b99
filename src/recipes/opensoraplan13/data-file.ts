/**
 * The data file (`--mm-data`) of a pretraining and of the feature extraction.
 *
 * Fields and values: data_dynamic_resolution.json, data_static_resolution.json (folder t2v), data_i2v.json (i2v), data_feature.json
 * and feature_extract/data.json (t2v_A3) of examples/opensoraplan1.3 in MindSpeed-MM v26.0.0.
 */
import { autoencoderScale, type Clip, captionLength, type PictureSize } from "./facts.ts";
import type { Fields } from "./model-file.ts";
import type { Task } from "./task.ts";

/** Paths in the pod that a data file names. */
export interface DataPaths {
  /** `data.txt`: lines of video folder and annotation file; or `data.jsonl` of extracted features. */
  readonly dataList: string;
  /** Folder of extracted features; absent for videos. */
  readonly featureFolder?: string;
  /** Folder of mT5-xxl, for its tokeniser. */
  readonly textEncoder: string;
}

const stride = 32;
const toTensor = { trans_type: "ToTensorVideo" } as const;
const normalise = { trans_type: "ae_norm" } as const;
const resizeToArea = {
  trans_type: "MaxHWResizeVideo",
  param: { align_corners: true, antialias: true, transform_size: "auto" },
} as const;
const cropToStride = { trans_type: "SpatialStrideCropVideo", param: { stride } } as const;

const resizeToSize = (isTopCrop: boolean): Fields => ({
  trans_type: "CenterCropResizeVideo",
  param: { use_short_edge: false, top_crop: isTopCrop, align_corners: true, antialias: true, transform_size: "auto" },
});

/** Pictures of image-to-video stay whole numbers until they are resized: the first one is also the condition. */
function pipelines(task: Task, size: PictureSize): Fields {
  if (task.name === "i2v") {
    return {
      train_pipeline: { video: [resizeToArea, cropToStride] },
      train_pipeline_after_resize: { video: [{ trans_type: "ToTensorAfterResize" }, normalise] },
    };
  }
  return size.kind === "area"
    ? { train_pipeline: { video: [toTensor, resizeToArea, cropToStride, normalise] } }
    : {
        train_pipeline: {
          video: [toTensor, resizeToSize(false), normalise],
          image: [toTensor, resizeToSize(true), normalise],
        },
      };
}

const sizeFields = (size: PictureSize): Fields =>
  size.kind === "fixed"
    ? { max_height: size.height, max_width: size.width }
    : { max_hxw: size.maximum, ...(size.minimum === undefined ? {} : { min_hxw: size.minimum }) };

const preprocessFields = (task: Task, clip: Clip): Fields => ({
  video_processor_type: "OpensoraplanVideoProcessor",
  video_reader_type: "DecordVideo",
  image_reader_type: "Image",
  num_frames: clip.frames,
  min_num_frames: clip.minimumFrames,
  frame_interval: 1,
  ...sizeFields(clip.size),
  train_fps: clip.framesPerSecond,
  speed_factor: 1,
  drop_short_ratio: 0,
  vae_scale_factor: autoencoderScale,
  cfg: 0.1,
  hw_stride: stride,
  force_resolution: clip.size.kind === "fixed",
  seed: task.name === "i2v" ? 1234 : 42,
  hw_aspect_thr: 2,
  use_aesthetic: true,
  ...pipelines(task, clip.size),
});

/**
 * The content of the file as data; keys keep upstream's names.
 *
 * @param workers data loader processes that upstream's file names; the argument of the same name wins over it
 */
export function dataFile(task: Task, paths: DataPaths, workers: number | undefined): Fields {
  const readsFeatures = paths.featureFolder !== undefined;
  return {
    dataset_param: {
      dataset_type: readsFeatures ? "feature" : task.name === "i2v" ? "i2v" : "t2v",
      basic_parameters: readsFeatures
        ? { data_path: paths.dataList, data_folder: paths.featureFolder }
        : { data_path: paths.dataList, data_storage_mode: "combine" },
      preprocess_parameters: preprocessFields(task, task.clip),
      use_text_processer: true,
      tokenizer_config: {
        hub_backend: "hf",
        autotokenizer_name: "AutoTokenizer",
        from_pretrained: paths.textEncoder,
        model_max_length: captionLength,
      },
      ...(task.name === "i2v" ? { mask_type_ratio_dict_video: { i2v: 1 } } : {}),
    },
    dataloader_param: {
      dataloader_mode: "sampler",
      sampler_type: "LengthGroupedSampler",
      ...(workers === undefined ? {} : { num_workers: workers }),
      shuffle: true,
      drop_last: true,
      pin_memory: task.name !== "i2v",
      group_frame: false,
      group_resolution: false,
      group_data: true,
      initial_global_step_for_sampler: 0,
      ...(readsFeatures ? {} : { collate_param: { model_name: "open_sora_plan" } }),
    },
  };
}
