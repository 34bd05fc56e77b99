/**
 * What OpenSoraPlan1.3 is, as MindSpeed-MM v26.0.0 ships it: sizes of the network and of its training clips.
 *
 * Source: examples/opensoraplan1.3 of MindSpeed-MM v26.0.0 (model and data JSON files), mindspeed_mm/patchs/validate_args_patch.py.
 */

/** The sparse video diffusion transformer of the released weights. */
export const predictor = {
  layers: 32,
  attentionHeads: 24,
  headDimension: 96,
  latentChannels: 8,
  captionChannels: 4096,
} as const;

/** Sequence length that the argument validator assumes when the model file names none, in tokens. */
export const assumedSequenceLength = 3072;

/** Captions are tokenised to this length, in tokens. */
export const captionLength = 512;

/** The video autoencoder shortens clips by these factors: time, height, width. */
export const autoencoderScale = [4, 8, 8] as const;

/** Clip settings of the two resolution modes. Sizes in pixels, `maximumArea` in pixels a frame. */
export const clips = {
  dynamic: { frames: 93, minimumFrames: 29, framesPerSecond: 16, maximumArea: 225280 },
  static: { frames: 93, minimumFrames: 93, framesPerSecond: 16, height: 352, width: 640 },
} as const;

/** Where a stage of the recipe reads and writes below the mounted volumes. */
export const converterVersion = "v1.3";
