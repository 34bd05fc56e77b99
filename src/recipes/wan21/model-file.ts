/**
 * The model files (`--mm-model`) of the pretraining and of the feature extraction.
 *
 * Fields and values: 1.3b/t2v/pretrain_model.json with the part `patch` of 14b/t2v/pretrain_model_fsdp2.json, and
 * feature_extract/model_t2v.json of examples/wan2.1 in MindSpeed-MM v26.0.0.
 */
import type { Fields } from "../mindspeed-mm/fields.ts";
import { predictor } from "./facts.ts";

/** The model that is trained. Nothing is said of encoders: samples are features. */
export const trainingModelFile = (): Fields => ({
  load_video_features: true,
  load_text_features: true,
  task: "t2v",
  diffusion: {
    model_id: "wan_flow_match_scheduler",
    num_train_timesteps: 1000,
    shift: 5,
    sigma_min: 0,
    extra_one_step: true,
  },
  predictor: {
    model_id: "wandit",
    dtype: "bf16",
    model_type: "t2v",
    patch_size: [1, 2, 2],
    text_len: 512,
    in_dim: 16,
    hidden_size: predictor.hiddenSize,
    ffn_dim: predictor.feedForwardSize,
    freq_dim: 256,
    text_dim: 4096,
    img_dim: 1280,
    out_dim: 16,
    num_heads: predictor.attentionHeads,
    num_layers: predictor.layers,
    // Ignored without a pipeline, which FSDP2 does not know; upstream's file holds it all the same.
    pipeline_num_layers: [7, 8, 8, 7],
    qk_norm: true,
    qk_norm_type: "rmsnorm",
    cross_attn_norm: true,
    eps: 1e-6,
    max_seq_len: 1024,
    attention_async_offload: false,
    use_fused_rmsnorm: true,
    FPDT: false,
    FPDT_chunk_number: 4,
    FPDT_with_offload: false,
  },
  // The bridge reads Hugging Face weights where --load holds some; here it names the save folder, and weights are converted.
  patch: { clip_grad_async: true, bridge_patch: false },
});

/**
 * The encoders of the extraction.
 *
 * @param paths folders in Hugging Face form
 */
export const extractionModelFile = (paths: { readonly autoencoder: string; readonly textEncoder: string }): Fields => ({
  ae: {
    model_id: "wan_video_vae",
    from_pretrained: paths.autoencoder,
    dtype: "bf16",
    enable_tiling: true,
    tiling_param: { tile_size: [34, 34], tile_stride: [18, 16] },
    norm_latents: true,
    norm_mode: "channel_specified_shift_scale",
    do_sample: false,
  },
  text_encoder: { model_id: "UMT5", dtype: "bf16", hub_backend: "hf", from_pretrained: paths.textEncoder },
});
