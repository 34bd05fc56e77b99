import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ConfigurationError } from "../../config/diagnostics.ts";
import { type EnvironmentPlan, planEnvironment } from "../../pipeline/pipeline.ts";
import { planStack, planStackFromEngine } from "../../stack.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import { toolFile } from "../mindspeed-mm/tool-file.ts";
import { mindSpeedCommit } from "./facts.ts";

const projectFolder = join(import.meta.dirname, "..", "..", "..");

const stageOf = (plan: EnvironmentPlan, name: string): StagePlan => {
  const stage = plan.stages.find((candidate) => candidate.plan.stage === name);
  if (stage === undefined) throw new Error(`no stage ${name}: ${JSON.stringify(plan.diagnostics)}`);
  return stage.plan;
};

/** The plan of a stack with one run, changed. Throws what the user would read. */
function planned(change: Readonly<Record<string, unknown>> = {}): EnvironmentPlan {
  const { mindSpeed = mindSpeedCommit, ...rest } = change;
  // An image that nobody has confirmed is written as null here.
  const run = { recipe: "wan2.1/t2v-1.3b", ...rest, ...(mindSpeed === null ? {} : { mindSpeed }) };
  const environment = {
    extends: ["atlas-800t-a2", "guide"],
    namespace: "wan",
    cluster: { nodes: 8 },
    runs: { wan: run },
  };
  return planStackFromEngine(projectFolder, "wan", environment).plan;
}

/** The text that refuses a run, or "" when it is accepted. */
function refusal(change: Readonly<Record<string, unknown>>): string {
  try {
    planned(change);
    return "";
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
}

const training = (change: Readonly<Record<string, unknown>> = {}): StagePlan =>
  stageOf(planned({ stages: ["convertDit", "pretrain"], ...change }), "pretrain");

const option = ({ program }: StagePlan, name: string): string | undefined => program[program.indexOf(name) + 1];
const fileOf = (stage: StagePlan, name: string): string => stage.files[option(stage, name) ?? ""] ?? "";
const warnings = ({ diagnostics }: EnvironmentPlan): readonly (string | undefined)[] =>
  diagnostics.map(({ rule }) => rule);

const common = {
  ASCEND_SLOG_PRINT_TO_STDOUT: "0",
  ASCEND_GLOBAL_LOG_LEVEL: "3",
  TASK_QUEUE_ENABLE: "1",
  COMBINED_ENABLE: "1",
  CPU_AFFINITY_CONF: "1",
  HCCL_CONNECT_TIMEOUT: "1200",
  PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
};

/** Upstream's own words between the program and the paths: 14b/t2v/pretrain_fsdp2.sh of MindSpeed-MM v26.0.0, with its own values. */
const upstreamTraining =
  "--tensor-model-parallel-size 1 --pipeline-model-parallel-size 1 --virtual-pipeline-model-parallel-size 1 " +
  "--context-parallel-size 1 --context-parallel-algo ulysses_cp_algo --micro-batch-size 1 --global-batch-size 8 --num-workers 8 " +
  "--lr 1e-5 --min-lr 1e-5 --adam-beta1 0.9 --adam-beta2 0.999 --adam-eps 1e-8 --lr-decay-style constant --weight-decay 1e-2 " +
  "--lr-warmup-init 0 --lr-warmup-iters 0 --clip-grad 1.0 --train-iters 5000 --no-gradient-accumulation-fusion --no-load-optim " +
  "--no-load-rng --no-save-optim --no-save-rng --distributed-timeout-minutes 20 --use-torch-fsdp2 " +
  "--untie-embeddings-and-output-weights --ckpt-format torch_dcp --fsdp2-config-path FSDP2 --optimizer-selection fused_torch_adamw " +
  "--use-cpu-initialization --attention-mask-type general --mm-data DATA --mm-model MODEL --mm-tool TOOL --log-interval 1 " +
  "--save-interval 10000 --eval-interval 10000 --eval-iters 10 --load LOAD --save SAVE --distributed-backend nccl";

describe("the pretraining with upstream's own values", () => {
  const { plan } = planStack(projectFolder, "guide-wan21-t2v");
  const stage = stageOf(plan, "pretrain");

  it("has the arguments of upstream's script in their order, but for paths and the way to resume", () => {
    const [program, ...words] = stage.program;
    expect(program).toBe("pretrain_sora.py");
    const save = "/mnt/checkpoints/runs/wan21";
    expect(option(stage, "--load")).toBe(save);
    expect(option(stage, "--save")).toBe(save);
    const weights = stageOf(plan, "convertDit").outputs[0]?.path ?? "none";
    const text = words
      .join(" ")
      .replace(`--load ${save} --pretrained-checkpoint ${weights}`, "--load LOAD")
      .replace(`--save ${save}`, "--save SAVE")
      .replace("/etc/ascend-stacks/fsdp2_config.yaml", "FSDP2")
      .replace("/etc/ascend-stacks/feature_data.json", "DATA")
      .replace("/etc/ascend-stacks/pretrain_model.json", "MODEL")
      .replace("/etc/ascend-stacks/tools.json", "TOOL");
    expect(text).toBe(upstreamTraining);
  });

  it("has upstream's environment, launcher values and files", () => {
    expect(stage.environment).toEqual({ CUDA_DEVICE_MAX_CONNECTIONS: "2", ...common });
    expect(stage).toMatchObject({ nodes: 1, npusPerNode: 8, launch: { kind: "torchrun", masterPort: 6000 } });
    expect(parse(fileOf(stage, "--fsdp2-config-path"))).toEqual({
      sharding_size: "auto",
      sub_modules_to_wrap: ["predictor.blocks.{*}", "predictor.head"],
      reshard_after_forward: true,
      param_dtype: "bf16",
      reduce_dtype: "fp32",
      cast_forward_inputs: true,
      recompute_modules: ["predictor.blocks.{*}"],
      num_to_forward_prefetch: 0,
      num_to_backward_prefetch: 0,
      offload_to_cpu: false,
    });
    expect(JSON.parse(fileOf(stage, "--mm-tool"))).toEqual(toolFile());
  });

  it("has every field of upstream's model file, with weights converted instead of bridged", () => {
    const { diffusion, predictor, patch, ...rest } = JSON.parse(fileOf(stage, "--mm-model"));
    expect(rest).toEqual({ load_video_features: true, load_text_features: true, task: "t2v" });
    expect(Object.entries(diffusion).join(" ")).toBe(
      "model_id,wan_flow_match_scheduler num_train_timesteps,1000 shift,5 sigma_min,0 extra_one_step,true",
    );
    expect(Object.entries(predictor).join(" ")).toBe(
      "model_id,wandit dtype,bf16 model_type,t2v patch_size,1,2,2 text_len,512 in_dim,16 hidden_size,1536 ffn_dim,8960 " +
        "freq_dim,256 text_dim,4096 img_dim,1280 out_dim,16 num_heads,12 num_layers,30 pipeline_num_layers,7,8,8,7 qk_norm,true " +
        "qk_norm_type,rmsnorm cross_attn_norm,true eps,0.000001 max_seq_len,1024 attention_async_offload,false " +
        "use_fused_rmsnorm,true FPDT,false FPDT_chunk_number,4 FPDT_with_offload,false",
    );
    expect(patch).toEqual({ clip_grad_async: true, bridge_patch: false });
  });

  it("has every field of upstream's data file", () => {
    const { dataset_param: dataset, dataloader_param: loader } = JSON.parse(fileOf(stage, "--mm-data"));
    const { basic_parameters: basic, preprocess_parameters: preprocess, tokenizer_config: words, ...rest } = dataset;
    expect(rest).toEqual({ dataset_type: "feature", use_text_processer: true, enable_text_preprocessing: false });
    expect(basic.data_path).toMatch(/^\/mnt\/checkpoints\/features\/[0-9a-f]{10}\/data\.jsonl$/);
    expect(`${basic.data_folder}data.jsonl`).toBe(basic.data_path);
    expect(Object.entries(preprocess).join(" ")).toBe(
      "video_processor_type,OpensoraplanVideoProcessor video_reader_type,DecordVideo image_reader_type,Image num_frames,81 " +
        "frame_interval,1 max_height,480 max_width,832 max_hxw,399360 train_fps,24 speed_factor,1 drop_short_ratio,0 cfg,0 " +
        "hw_stride,8 force_resolution,false hw_aspect_thr,2",
    );
    expect(words).toEqual([
      {
        autotokenizer_name: "AutoTokenizer",
        hub_backend: "hf",
        from_pretrained: "/mnt/weights/Wan-AI/Wan2.1-T2V-1.3B-Diffusers/tokenizer",
        model_max_length: 256,
      },
    ]);
    expect(Object.entries(loader).join(" ")).toBe(
      "dataloader_mode,sampler sampler_type,LengthGroupedSampler shuffle,true drop_last,true pin_memory,true group_frame,false " +
        "group_resolution,false group_data,true initial_global_step_for_sampler,0",
    );
  });

  it("starts from converted weights, and is proven by a checkpoint of the format torch_dcp", () => {
    expect(stageOf(plan, "convertDit").program.slice(0, 3)).toEqual(["mm-convert", "WanConverter", "hf_to_mm"]);
    expect(stageOf(plan, "convertDit").outputs[0]?.checkpoint).toEqual({ rankFolders: ["mp_rank_00"] });
    expect(stage.success).toMatchObject({
      kind: "checkpoint",
      iteration: 5000,
      checkpoint: { checkpoint: { files: [".metadata", "__*.distcp"] } },
    });
  });
});

describe("the extraction with upstream's own values", () => {
  const { plan } = planStack(projectFolder, "guide-wan21-features");
  const stage = stageOf(plan, "extractFeatures");

  it("has upstream's command and environment on one NPU", () => {
    expect(stage.program.join(" ")).toBe(
      "./mindspeed_mm/tools/feature_extraction/get_wan_feature.py --tensor-model-parallel-size 1 --pipeline-model-parallel-size 1 " +
        "--context-parallel-size 1 --micro-batch-size 1 --global-batch-size 1 --num-workers 8 --mm-data /etc/ascend-stacks/data.json " +
        "--mm-model /etc/ascend-stacks/model_t2v.json --mm-tool /etc/ascend-stacks/tools.json --distributed-backend nccl",
    );
    expect(stage).toMatchObject({ nodes: 1, npusPerNode: 1 });
    expect(stage.environment).toEqual({ CUDA_DEVICE_MAX_CONNECTIONS: "1", ...common });
  });

  it("writes where the training reads, and filters clips as its own data file says", () => {
    const { plan: other } = planStack(projectFolder, "guide-wan21-t2v");
    const output = stage.outputs[0];
    expect(stageOf(other, "pretrain").inputs.map(({ identity }) => identity?.key)).toContain(output?.identity?.key);
    expect(JSON.parse(fileOf(stage, "--mm-tool")).sorafeature.save_path).toBe(output?.path);
    const { preprocess_parameters: clip } = JSON.parse(fileOf(stage, "--mm-data")).dataset_param;
    const prepared = stageOf(plan, "prepareDataset");
    const options = ["--frames", "--minimum-frames", "--maximum-area", "--train-fps", "--stride", "--aspect-limit"];
    expect(options.map((name) => Number(option(prepared, name)))).toEqual([
      ...[clip.num_frames, clip.min_num_frames, clip.max_hxw, clip.train_fps, clip.hw_stride, clip.hw_aspect_thr],
    ]);
    expect(clip.train_pipeline.video_only.at(-1)).toEqual({ trans_type: "norm_fun", param: { mean: 0.5, std: 0.5 } });
    expect(Object.keys(clip.train_pipeline)).toEqual([
      ...["video_and_first_frame", "video_only", "first_frame_clip", "first_frame_vae"],
    ]);
  });

  it("takes the encoders as they were downloaded", () => {
    const folder = "/mnt/weights/Wan-AI/Wan2.1-T2V-1.3B-Diffusers";
    expect(JSON.parse(fileOf(stage, "--mm-model"))).toEqual({
      ae: {
        model_id: "wan_video_vae",
        from_pretrained: `${folder}/vae`,
        dtype: "bf16",
        enable_tiling: true,
        tiling_param: { tile_size: [34, 34], tile_stride: [18, 16] },
        norm_latents: true,
        norm_mode: "channel_specified_shift_scale",
        do_sample: false,
      },
      text_encoder: { model_id: "UMT5", dtype: "bf16", hub_backend: "hf", from_pretrained: `${folder}/text_encoder` },
    });
  });
});

describe("settings", () => {
  it("give the global batch of upstream's formula: micro batch × accumulation × data parallel", () => {
    const stage = training({ nodes: 2, parallel: { context: 2 }, batch: { micro: 2, accumulation: 3 } });
    expect(option(stage, "--global-batch-size")).toBe(String(2 * 3 * 8));
    expect(option(stage, "--context-parallel-size")).toBe("2");
    expect(stage.environment).toMatchObject({ HCCL_SOCKET_IFNAME: "eth0", GLOO_SOCKET_IFNAME: "eth0" });
  });

  it("reach the sharding file, and the host's memory brings its own backend", () => {
    const stage = training({ sharding: { size: 4, recompute: false, offload: true } });
    const file = parse(fileOf(stage, "--fsdp2-config-path"));
    expect(file).toMatchObject({ sharding_size: 4, offload_to_cpu: true });
    expect(file).not.toHaveProperty("recompute_modules");
    expect(option(stage, "--distributed-backend")).toBe("npu:hccl,cpu:gloo");
  });

  it("save the optimiser when asked to", () => {
    expect(training({ training: { optimiserState: true } }).program.join(" ")).not.toMatch(/--no-(load|save)-/);
  });

  it("override by upstream's names, in both programs", () => {
    const stage = training({ overrides: { arguments: { seed: 7 }, model: { diffusion: { shift: 3 } } } });
    expect(option(stage, "--seed")).toBe("7");
    expect(JSON.parse(fileOf(stage, "--mm-model")).diffusion.shift).toBe(3);
    const overrides = { model: { ae: { enable_tiling: false } } };
    const extraction = stageOf(planned({ extraction: { overrides } }), "extractFeatures");
    expect(JSON.parse(fileOf(extraction, "--mm-model")).ae.enable_tiling).toBe(false);
    expect(extraction.outputs[0]?.path).not.toBe(stageOf(planned(), "extractFeatures").outputs[0]?.path);
  });
});

describe("rules", () => {
  it.each([
    ["tensor parallelism", { parallel: { tensor: 2 } }, "does not support tensor parallelism"],
    ["pipeline parallelism", { parallel: { pipeline: 2 } }, "does not support pipeline parallelism"],
    ["ring attention", { parallel: { context: 2, contextAlgorithm: { kind: "ring" } } }, "does not support ring"],
    ["a context size that does not divide the heads", { parallel: { context: 8 } }, "12"],
    ["a sharding size that does not divide the NPUs", { sharding: { size: 3 } }, "sharding.size"],
    ["an extraction larger than a node", { extraction: { npus: 16 } }, "extraction.npus"],
    ["an image of another MindSpeed", { mindSpeed: "5176c6f5f133" }, mindSpeedCommit],
    ["a minimum learning rate above the learning rate", { training: { minimumLearningRate: 0.1 } }, "learning rate"],
    ["an unknown field", { overrides: { model: { predictor: { num_headz: 3 } } } }, "num_heads"],
    ["an owned option", { overrides: { arguments: { "ckpt-format": "torch" } } }, "torch_dcp"],
    ["an unknown key", { resolution: "static" }, "resolution"],
  ])("refuse %s", (_, change, message) => {
    expect(refusal({ stages: ["extractFeatures", "pretrain"], ...change })).toContain(message);
  });

  it("name the keys of this recipe alone when one is unknown", () => {
    const message = refusal({ training: { recomputeLayers: 1 }, sharding: { sizes: 2 } });
    expect(message).toContain("optimiserState, timeoutMinutes");
    expect(message).toMatch(/sharding\.sizes: unknown key; allowed: size, recompute, offload; nearest: size/);
    expect(message).not.toMatch(/allowed:[^;]*recomputeLayers/);
  });

  it("accept what they offer instead", () => {
    for (const parallel of [{ context: 2 }, { context: 4 }]) expect(refusal({ parallel })).toBe("");
    for (const size of ["auto", 1, 2, 4, 8]) expect(refusal({ sharding: { size } })).toBe("");
  });

  it("warn of an image that nobody confirmed", () => {
    expect(warnings(planned({ mindSpeed: null }))).toContain("image-carries-mind-speed");
    expect(warnings(planned({ mindSpeed: mindSpeedCommit.slice(0, 12) }))).not.toContain("image-carries-mind-speed");
  });

  it("warn of a training that reads features which nothing waits for", () => {
    expect(warnings(planned({ stages: ["extractFeatures", "pretrain"] }))).toContain("needs-finished-stage");
    expect(warnings(planned({ stages: ["pretrain"] }))).not.toContain("needs-finished-stage");
  });

  it("warn of one device connection, and of restarts without the optimiser's state", () => {
    const connections = { environmentVariables: { CUDA_DEVICE_MAX_CONNECTIONS: 1 } };
    expect(warnings(planned({ stages: ["pretrain"], ...connections }))).toContain("sharding-device-connections");
    expect(warnings(planned())).not.toContain("sharding-device-connections");
    const restarts = { stages: ["pretrain"], restarts: 3 };
    expect(warnings(planned(restarts))).toContain("restart-keeps-optimiser");
    expect(warnings(planned({ ...restarts, training: { optimiserState: true } }))).not.toContain(
      "restart-keeps-optimiser",
    );
  });
});

it("shares the converted weights among runs", () => {
  const { environment } = planStack(projectFolder, "guide-wan21-t2v").plan;
  const { wan21 } = environment.runs;
  if (wan21 === undefined) throw new Error("the stack lost its run");
  const plan = planEnvironment({ ...environment, runs: { first: wan21, second: wan21 } });
  expect(plan.stages.map(({ name, runs }) => [name.replace(/-[0-9a-f]{10}$/, ""), runs])).toEqual([
    ["convert-dit", ["first", "second"]],
    ["first-pretrain", ["first"]],
    ["second-pretrain", ["second"]],
  ]);
});
