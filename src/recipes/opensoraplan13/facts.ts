/**
 * What OpenSoraPlan1.3 is, as MindSpeed-MM v26.0.0 ships it: sizes of the networks and of their training clips.
 *
 * Source: examples/opensoraplan1.3 of MindSpeed-MM v26.0.0 (model and data JSON files), mindspeed_mm/patchs/validate_args_patch.py.
 */

/** Sizes of a sparse video diffusion transformer. */
export interface Predictor {
  /** `model_id` of the model file. */
  readonly modelId: string;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly headDimension: number;
  readonly latentChannels: number;
  readonly captionChannels: number;
}

const released = {
  layers: 32,
  attentionHeads: 24,
  headDimension: 96,
  latentChannels: 8,
  captionChannels: 4096,
} as const;

/** The network of each task. The released weights are those of the first two; none are published for the third. */
export const predictors = {
  t2v: { ...released, modelId: "videoditsparse" },
  i2v: { ...released, modelId: "videoditsparsei2v" },
  features: { ...released, modelId: "videoditsparse", attentionHeads: 32 },
} as const satisfies Record<string, Predictor>;

/** Sequence length that the argument validator assumes when the model file names none, in tokens. */
export const assumedSequenceLength = 3072;

/** Captions are tokenised to this length, in tokens. */
export const captionLength = 512;

/** The video autoencoder shortens clips by these factors: time, height, width. */
export const autoencoderScale = [4, 8, 8] as const;

/** Picture sizes: any shape within an area (pixels a frame), or one size for all (pixels). */
export type PictureSize =
  | { readonly kind: "area"; readonly maximum: number; readonly minimum?: number }
  | { readonly kind: "fixed"; readonly height: number; readonly width: number };

/** What a training clip is. */
export interface Clip {
  readonly frames: number;
  readonly minimumFrames: number;
  readonly framesPerSecond: number;
  readonly size: PictureSize;
}

/** How clips are sized: each by its own shape within an area, or all alike. */
export type Resolution = "dynamic" | "static";

/** Clips of the text-to-video training by resolution mode, of the image-to-video training, and of the feature extraction. */
export const clips = {
  dynamic: { frames: 93, minimumFrames: 29, framesPerSecond: 16, size: { kind: "area", maximum: 225_280 } },
  static: { frames: 93, minimumFrames: 93, framesPerSecond: 16, size: { kind: "fixed", height: 352, width: 640 } },
  i2v: {
    frames: 93,
    minimumFrames: 29,
    framesPerSecond: 18,
    size: { kind: "area", maximum: 236_544, minimum: 102_400 },
  },
  features: { frames: 45, minimumFrames: 45, framesPerSecond: 16, size: { kind: "fixed", height: 720, width: 1280 } },
} as const satisfies Record<string, Clip>;

/** Smallest picture of a clip that the trainer takes; where the data file names none, a quarter of the largest. */
export const minimumArea = (size: { readonly maximum: number; readonly minimum?: number }): number =>
  size.minimum ?? size.maximum / 4;

/** Version that the weight converter must be told: its own default is another model's. */
export const converterVersion = "v1.3";

/** Most lines of a prompt file that the inference program reads (mindspeed_mm/tasks/inference/pipeline/utils/sora_utils.py). */
export const maximumPrompts = 100;
