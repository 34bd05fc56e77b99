/**
 * The file that tells FSDP2 how to spread the model (`--fsdp2-config-path`).
 *
 * Fields and values: examples/wan2.1/fsdp2_config.yaml of MindSpeed-MM v26.0.0; what they mean: docs/zh/features/fsdp2.md there.
 */
import { stringify } from "yaml";
import type { TextToVideoSettings } from "./surface.ts";

const blocks = "predictor.blocks.{*}";

/** The content of the file as text. */
export const shardingFile = ({ size, recompute, offload }: TextToVideoSettings["sharding"]): string =>
  stringify({
    sharding_size: size,
    sub_modules_to_wrap: [blocks, "predictor.head"],
    reshard_after_forward: true,
    param_dtype: "bf16",
    reduce_dtype: "fp32",
    cast_forward_inputs: true,
    ...(recompute ? { recompute_modules: [blocks] } : {}),
    num_to_forward_prefetch: 0,
    num_to_backward_prefetch: 0,
    offload_to_cpu: offload,
  });
