/**
 * What Wan2.1 text-to-video with 1.3 billion parameters is, as MindSpeed-MM v26.0.0 ships it.
 *
 * Source: examples/wan2.1 of MindSpeed-MM v26.0.0 (README, 1.3b/t2v/pretrain_model.json, feature_extract/data.json).
 */

/** Name of the recipe, and of what it makes. */
export const recipeName = "wan2.1/t2v-1.3b";

/** Sizes of the transformer. */
export const predictor = { layers: 30, attentionHeads: 12, hiddenSize: 1536, feedForwardSize: 8960 } as const;

/** Sequence length that the argument validator assumes, in tokens (mindspeed_mm/patchs/validate_args_patch.py:58-87). */
export const assumedSequenceLength = 3072;

/** The MindSpeed commit that upstream names for this model; that of other recipes differs. */
export const mindSpeedCommit = "93c45456c7044bacddebc5072316c01006c938f9";

/** What the clips of a training are. */
export interface Clip {
  readonly frames: number;
  /** Largest height and width in pixels; clips keep their shape within that area. */
  readonly height: number;
  readonly width: number;
  readonly framesPerSecond: number;
}

/** Filters of the data file beside the clip. */
export const clipFilter = { minimumFrames: 1, stride: 8, aspectLimit: 5 } as const;

/** Where the parts of the downloaded model lie in its folder, all in Hugging Face form. */
export const sourceFolders = {
  transformer: "transformer",
  autoencoder: "vae",
  textEncoder: "text_encoder",
  tokeniser: "tokenizer",
} as const;
