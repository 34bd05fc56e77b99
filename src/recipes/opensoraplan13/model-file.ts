/**
 * The model file (`--mm-model`) of the pretraining: the whole of it, with the user's paths put in.
 *
 * Fields and values: pretrain_t2v_model.json (folders t2v and t2v_A3) and pretrain_i2v_model.json of examples/opensoraplan1.3 in
 * MindSpeed-MM v26.0.0.
 */
import type { ParallelLayout } from "../../parallel/layout.ts";
import { stageLayers } from "./artifacts.ts";
import { autoencoderScale, type Predictor } from "./facts.ts";
import type { Task } from "./task.ts";

/** Paths in the pod that a model file names. */
export interface ModelPaths {
  /** The converted autoencoder, one file. */
  readonly autoencoder: string;
  /** Folder of mT5-xxl in Hugging Face form. */
  readonly textEncoder: string;
}

/** Fields as data; keys keep upstream's names. */
export type Fields = Readonly<Record<string, unknown>>;

/** Upstream's own list where there is no pipeline: it is ignored then. */
const unusedStages = [8, 8, 8, 8] as const;

/**
 * The transformer.
 *
 * @param dtype number format: bf16 to train, fp16 to infer
 * @param stages fields about pipeline stages; inference has none
 */
export const predictorFields = (predictor: Predictor, dtype: "bf16" | "fp16", stages: Fields = {}): Fields => ({
  model_id: predictor.modelId,
  from_pretrained: null,
  dtype,
  num_layers: predictor.layers,
  num_heads: predictor.attentionHeads,
  head_dim: predictor.headDimension,
  in_channels: predictor.latentChannels,
  out_channels: predictor.latentChannels,
  dropout: 0,
  cross_attention_dim: predictor.attentionHeads * predictor.headDimension,
  attention_q_bias: true,
  attention_k_bias: true,
  attention_v_bias: true,
  fa_layout: "sbh",
  patch_size_thw: [1, 2, 2],
  activation_fn: "gelu-approximate",
  norm_elementwise_affine: false,
  norm_eps: 1e-6,
  caption_channels: predictor.captionChannels,
  interpolation_scale: [1, 1, 1],
  ...stages,
  sparse1d: true,
  sparse_n: 4,
});

/**
 * The video autoencoder, as far as training and inference have it alike.
 *
 * @param output fields about the number format of what it makes
 */
export const autoencoderFields = (path: string, dtype: "bf16" | "fp16", output: Fields = {}): Fields => ({
  model_id: "wfvae",
  from_pretrained: path,
  dtype,
  ...output,
  base_channels: 128,
  decoder_energy_flow_hidden_size: 128,
  decoder_num_resblocks: 2,
  dropout: 0,
  encoder_energy_flow_hidden_size: 64,
  encoder_num_resblocks: 2,
  latent_dim: 8,
  use_attention: true,
  norm_type: "aelayernorm",
  t_interpolation: "trilinear",
});

const diffusion: Fields = {
  model_id: "DDPM",
  num_train_steps: 1000,
  guidance_scale: 7.5,
  prediction_type: "v_prediction",
  rescale_betas_zero_snr: true,
  timestep_spacing: "leading",
  device: "npu",
  snr_gamma: 5,
  t_sample_method: "explicit_uniform",
};

/** Fields in which the tasks differ: upstream names the offload interval and the dynamic sizes in some of its files only. */
function taskFields({ name }: Task, layout: ParallelLayout): { readonly first: Fields; readonly last: Fields } {
  const offload = { encoder_offload_interval: layout.encoderOffloadInterval };
  const dynamic = layout.dynamicContext;
  const patch = { patch: { ae_float32: true } };
  const sizes = {
    use_dynamic_dpcp: dynamic !== undefined,
    max_cp_size: dynamic?.maximumContext ?? 4,
    max_seq_size: dynamic?.maximumSequenceLength ?? 54_853_632,
  };
  switch (name) {
    case "t2v":
      return { first: offload, last: { ...patch, ...sizes } };
    case "i2v":
      return { first: offload, last: dynamic === undefined ? {} : sizes };
    case "t2v-features":
      return {
        first: layout.encoderOffloadInterval === 1 ? {} : offload,
        last: { ...patch, ...(dynamic === undefined ? {} : sizes) },
      };
  }
}

/** The content of the file as data. */
export function modelFile(task: Task, layout: ParallelLayout, paths: ModelPaths): Fields {
  const { first, last } = taskFields(task, layout);
  const usesFeatures = task.name === "t2v-features";
  const processor = {
    i2v_processor: { processor_id: "opensoraplan_i2v_processor", vae_scale_factor: autoencoderScale },
  };
  return {
    ...(task.name === "i2v" ? { task: "i2v" } : {}),
    load_video_features: usesFeatures,
    load_text_features: usesFeatures,
    enable_encoder_dp: layout.encoderData,
    ...first,
    predictor: predictorFields(task.predictor, "bf16", {
      pipeline_num_layers: layout.pipeline > 1 ? stageLayers(layout) : unusedStages,
    }),
    diffusion,
    text_encoder: {
      model_id: "MT5",
      hub_backend: "hf",
      from_pretrained: paths.textEncoder,
      low_cpu_mem_usage: false,
      dtype: "bf16",
    },
    ae: {
      ...autoencoderFields(paths.autoencoder, "bf16", { output_dtype: "bf16" }),
      use_tiling: false,
      connect_res_layer_num: 2,
      ...(task.name === "i2v" ? processor : {}),
      vae_cp_size: layout.vaeContext,
    },
    ...last,
  };
}
