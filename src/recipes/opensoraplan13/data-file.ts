/**
 * The data file (`--mm-data`) of the pretraining, for dynamic and for static resolution.
 *
 * Fields and values: data_dynamic_resolution.json and data_static_resolution.json of examples/opensoraplan1.3/t2v in
 * MindSpeed-MM v26.0.0.
 */
import { autoencoderScale, captionLength, clips } from "./facts.ts";

/** How clips are sized: each by its own shape within an area, or all alike. */
export type Resolution = "dynamic" | "static";

/** Paths in the pod that the data file names. */
export interface DataPaths {
  /** `data.txt`: lines of video folder and annotation file. */
  readonly dataList: string;
  /** Folder of mT5-xxl, for its tokeniser. */
  readonly textEncoder: string;
}

const stride = 32;

const resizeToStaticSize = (isTopCrop: boolean): Readonly<Record<string, unknown>> => ({
  trans_type: "CenterCropResizeVideo",
  param: {
    size: [clips.static.height, clips.static.width],
    use_short_edge: false,
    top_crop: isTopCrop,
    align_corners: true,
    antialias: true,
  },
});

const dynamicPipeline = {
  video: [
    { trans_type: "ToTensorVideo" },
    { trans_type: "MaxHWResizeVideo", param: { align_corners: true, antialias: true, transform_size: "auto" } },
    { trans_type: "SpatialStrideCropVideo", param: { stride } },
    { trans_type: "ae_norm" },
  ],
};

const staticPipeline = {
  video: [{ trans_type: "ToTensorVideo" }, resizeToStaticSize(false), { trans_type: "ae_norm" }],
  image: [{ trans_type: "ToTensorVideo" }, resizeToStaticSize(true), { trans_type: "ae_norm" }],
};

/** The fields in which the two modes differ. */
function sizeFields(resolution: Resolution): Readonly<Record<string, unknown>> {
  return resolution === "dynamic"
    ? { max_hxw: clips.dynamic.maximumArea }
    : { max_height: clips.static.height, max_width: clips.static.width };
}

/** The content of the file as data; keys keep upstream's names. */
export function dataFile(resolution: Resolution, paths: DataPaths): Readonly<Record<string, unknown>> {
  const clip = clips[resolution];
  return {
    dataset_param: {
      dataset_type: "t2v",
      basic_parameters: { data_path: paths.dataList, data_storage_mode: "combine" },
      preprocess_parameters: {
        video_processor_type: "OpensoraplanVideoProcessor",
        video_reader_type: "DecordVideo",
        image_reader_type: "Image",
        num_frames: clip.frames,
        min_num_frames: clip.minimumFrames,
        frame_interval: 1,
        ...sizeFields(resolution),
        train_fps: clip.framesPerSecond,
        speed_factor: 1,
        drop_short_ratio: 0,
        vae_scale_factor: autoencoderScale,
        cfg: 0.1,
        hw_stride: stride,
        force_resolution: resolution === "static",
        seed: 42,
        hw_aspect_thr: 2,
        use_aesthetic: true,
        train_pipeline: resolution === "dynamic" ? dynamicPipeline : staticPipeline,
      },
      use_text_processer: true,
      tokenizer_config: {
        hub_backend: "hf",
        autotokenizer_name: "AutoTokenizer",
        from_pretrained: paths.textEncoder,
        model_max_length: captionLength,
      },
    },
    dataloader_param: {
      dataloader_mode: "sampler",
      sampler_type: "LengthGroupedSampler",
      shuffle: true,
      drop_last: true,
      pin_memory: true,
      group_frame: false,
      group_resolution: false,
      group_data: true,
      initial_global_step_for_sampler: 0,
      collate_param: { model_name: "open_sora_plan" },
    },
  };
}
