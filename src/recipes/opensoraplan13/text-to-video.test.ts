import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../config/schema.ts";
import { type EnvironmentPlan, planEnvironment } from "../../pipeline/pipeline.ts";
import { readStack } from "../../stack.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { TextToVideoSettings } from "./surface/runs.ts";
import { fractionArgument } from "./training-arguments.ts";

const projectFolder = join(import.meta.dirname, "..", "..", "..");
const { environment } = readStack(projectFolder, "local");
const runName = "t2v-93x480p";
const settings = environment.runs[runName] as TextToVideoSettings;

function withRun(change: Partial<TextToVideoSettings>, nodes = 1): Environment {
  const run = environment.runs[runName];
  if (run === undefined) throw new Error("the local stack lost its run");
  return {
    ...environment,
    cluster: { ...environment.cluster, nodes: 64 },
    runs: { [runName]: { ...run, nodes, ...change } },
  };
}

const stageOf = (plan: EnvironmentPlan, name: string): StagePlan => {
  const stage = plan.stages.find((candidate) => candidate.plan.stage === name);
  if (stage === undefined) throw new Error(`no stage ${name}: ${JSON.stringify(plan.diagnostics)}`);
  return stage.plan;
};

const pretrain = (change: Partial<TextToVideoSettings> = {}, nodes = 1): StagePlan =>
  stageOf(planEnvironment(withRun(change, nodes)), "pretrain");

/** Options of a command with their values; flags get `true`. */
function options(words: readonly string[]): Readonly<Record<string, string | true>> {
  const found: Record<string, string | true> = {};
  for (const [index, word] of words.entries()) {
    const next = words[index + 1];
    if (word.startsWith("--")) found[word] = next === undefined || next.startsWith("--") ? true : next;
  }
  return found;
}

const file = (stage: StagePlan, option: string): Readonly<Record<string, unknown>> =>
  JSON.parse(stage.files[String(options(stage.program)[option])] ?? "");

/** Arguments of upstream's script with its own values; paths and the two ways of loading are ours. */
const upstream = {
  "--tensor-model-parallel-size": "1",
  "--pipeline-model-parallel-size": "1",
  "--virtual-pipeline-model-parallel-size": "1",
  "--context-parallel-size": "1",
  "--context-parallel-algo": "ulysses_cp_algo",
  "--micro-batch-size": "1",
  "--global-batch-size": "8",
  "--lr": "1e-5",
  "--min-lr": "1e-5",
  "--adam-beta1": "0.9",
  "--adam-beta2": "0.999",
  "--adam-eps": "1e-15",
  "--lr-decay-style": "constant",
  "--weight-decay": "1e-2",
  "--lr-warmup-init": "1e-5",
  "--lr-warmup-iters": "0",
  "--clip-grad": "1.0",
  "--train-iters": "5000",
  "--no-gradient-accumulation-fusion": true,
  "--bf16": true,
  "--recompute-granularity": "full",
  "--recompute-method": "block",
  "--recompute-num-layers": "32",
  "--use-distributed-optimizer": true,
  "--sequence-parallel": true,
  "--allow-tf32": true,
  "--num-workers": "4",
  "--log-interval": "1",
  "--save-interval": "10000",
  "--eval-interval": "10000",
  "--eval-iters": "10",
  "--ckpt-format": "torch",
  "--distributed-backend": "nccl",
} as const;

describe("text-to-video pretraining", () => {
  it("has every argument of upstream's script, and only two ways of loading beside", () => {
    const {
      "--load": load,
      "--pretrained-checkpoint": pretrained,
      "--save": save,
      "--mm-data": data,
      "--mm-model": model,
      "--mm-tool": tool,
      ...rest
    } = options(pretrain().program);
    expect(rest).toEqual(upstream);
    expect(load).toBe(save);
    expect(pretrained).toMatch(/^\/mnt\/weights\/converted\//);
    for (const path of [data, model, tool]) expect(pretrain().files).toHaveProperty([String(path)]);
    expect(pretrain().program[0]).toBe("pretrain_sora.py");
  });

  it("exports the nine variables of upstream's script, and names the interface on several nodes", () => {
    const nine = {
      CUDA_DEVICE_MAX_CONNECTIONS: "1",
      ASCEND_SLOG_PRINT_TO_STDOUT: "0",
      ASCEND_GLOBAL_LOG_LEVEL: "3",
      TASK_QUEUE_ENABLE: "1",
      COMBINED_ENABLE: "1",
      CPU_AFFINITY_CONF: "1",
      HCCL_CONNECT_TIMEOUT: "1200",
      MULTI_STREAM_MEMORY_REUSE: "1",
      PYTORCH_NPU_ALLOC_CONF: "expandable_segments:True",
    };
    expect(pretrain().environment).toEqual(nine);
    expect(pretrain({}, 2).environment).toEqual({ ...nine, HCCL_SOCKET_IFNAME: "eth0", GLOO_SOCKET_IFNAME: "eth0" });
    expect(pretrain({ environmentVariables: { HCCL_CONNECT_TIMEOUT: "1800" } }).environment).toEqual({
      ...nine,
      HCCL_CONNECT_TIMEOUT: "1800",
    });
  });

  it("writes the whole model file with the user's paths", () => {
    const model = file(pretrain(), "--mm-model");
    expect(Object.keys(model)).toEqual([
      "load_video_features",
      "load_text_features",
      "enable_encoder_dp",
      "encoder_offload_interval",
      "predictor",
      "diffusion",
      "text_encoder",
      "ae",
      "patch",
      "use_dynamic_dpcp",
      "max_cp_size",
      "max_seq_size",
    ]);
    expect(model).toMatchObject({
      predictor: {
        model_id: "videoditsparse",
        num_layers: 32,
        num_heads: 24,
        head_dim: 96,
        cross_attention_dim: 2304,
        from_pretrained: null,
        sparse1d: true,
        sparse_n: 4,
      },
      text_encoder: { from_pretrained: "/mnt/weights/google/mt5-xxl" },
      ae: {
        model_id: "wfvae",
        from_pretrained: expect.stringMatching(
          /^\/mnt\/weights\/converted\/opensoraplan1\.3\/vae-[0-9a-f]{10}\/wfvae_mm\.pt$/,
        ),
      },
    });
  });

  it.each([
    ["dynamic", { max_hxw: 225_280, num_frames: 93, min_num_frames: 29, force_resolution: false }, ["max_height"]],
    [
      "static",
      { max_height: 352, max_width: 640, num_frames: 93, min_num_frames: 93, force_resolution: true },
      ["max_hxw"],
    ],
  ] as const)("writes the data file for %s resolution", (resolution, fields, absent) => {
    const stage = pretrain({ resolution });
    expect(String(options(stage.program)["--mm-data"])).toMatch(new RegExp(`data_${resolution}_resolution\\.json$`));
    const { dataset_param: dataset } = file(stage, "--mm-data") as {
      dataset_param: { basic_parameters: unknown; preprocess_parameters: Record<string, unknown> };
    };
    expect(dataset.preprocess_parameters).toMatchObject(fields);
    for (const field of absent) expect(dataset.preprocess_parameters).not.toHaveProperty(field);
    expect(dataset.basic_parameters).toEqual({
      data_path: expect.stringMatching(/^\/mnt\/checkpoints\/datasets\/[0-9a-f]{10}\/data\.txt$/),
      data_storage_mode: "combine",
    });
  });

  it("adds what ring and hybrid attention need", () => {
    const ring = { overlapSendReceive: true, acknowledgeBroken: true, windowSize: 2 };
    const parallel = { ...settings.parallel, context: 8 };
    const hybrid = options(
      pretrain({ parallel: { ...parallel, contextAlgorithm: { kind: "hybrid", ulyssesDegree: 2, ...ring } } }).program,
    );
    expect(hybrid).toMatchObject({
      "--context-parallel-algo": "hybrid_cp_algo",
      "--ulysses-degree-in-cp": "2",
      "--attention-mask-type": "general",
      "--use-cp-send-recv-overlap": true,
      "--cp-window-size": "2",
    });
    const plain = options(
      pretrain({ parallel: { ...parallel, contextAlgorithm: { kind: "ring", ...ring, overlapSendReceive: false } } })
        .program,
    );
    expect(plain).toMatchObject({ "--context-parallel-algo": "megatron_cp_algo", "--cp-window-size": "2" });
    expect(plain).not.toHaveProperty("--use-cp-send-recv-overlap");
  });

  it("starts the warm-up no higher than the learning rate", () => {
    const training = {
      ...settings.training,
      learningRate: 2e-6,
      minimumLearningRate: 0,
    } as TextToVideoSettings["training"];
    expect(options(pretrain({ training }).program)).toMatchObject({
      "--lr": "2e-6",
      "--min-lr": "0.0",
      "--lr-warmup-init": "2e-6",
    });
  });

  it.each([
    [1e-5, "1e-5"],
    [0.01, "1e-2"],
    [1, "1.0"],
    [0.5, "0.5"],
    [0, "0.0"],
    [2.5, "2.5"],
  ])("writes %d as %s", (value, text) => expect(fractionArgument(value)).toBe(text));
});

describe("conversion", () => {
  it("always names the version and takes its layout from the run", () => {
    const dit = stageOf(planEnvironment(withRun({ parallel: { ...settings.parallel, tensor: 4 } })), "convertDit");
    expect(dit.program.slice(0, 5)).toEqual(["mm-convert", "OpenSoraPlanConverter", "--version", "v1.3", "hf_to_mm"]);
    expect(options(dit.program)).toMatchObject({
      "--cfg.target_parallel_config.tp_size": "4",
      "--cfg.target_parallel_config.pp_layers": "[]",
    });
    expect(dit.outputs[0]).toMatchObject({
      identity: { layout: { tensor: 4, pipeline: 1, layers: 32 } },
      checkpoint: { rankFolders: ["mp_rank_00", "mp_rank_01", "mp_rank_02", "mp_rank_03"] },
    });
    const { program } = stageOf(planEnvironment(withRun({})), "convertVae");
    expect(program.slice(0, 5)).toEqual(["mm-convert", "OpenSoraPlanConverter", "--version", "v1.3", "vae_convert"]);
  });

  it("feeds training exactly what it makes", () => {
    const plan = planEnvironment(withRun({}));
    const made = new Set(plan.stages.flatMap(({ plan: stage }) => stage.outputs.map(({ identity }) => identity?.key)));
    for (const input of stageOf(plan, "pretrain").inputs)
      if (input.identity !== undefined) expect(made).toContain(input.identity.key);
    expect(plan.stages.find(({ plan: stage }) => stage.stage === "pretrain")?.after).toHaveLength(3);
  });
});

describe("runs of one environment", () => {
  const two = (change: Partial<TextToVideoSettings>): EnvironmentPlan => {
    const first = withRun({});
    const run = first.runs[runName];
    if (run === undefined) throw new Error("the local stack lost its run");
    return planEnvironment({ ...first, runs: { ...first.runs, second: { ...run, ...change } } });
  };

  it("share the conversions that are the same, and only those", () => {
    const names = (plan: EnvironmentPlan): readonly string[] =>
      plan.stages.map(({ plan: stage, runs }) => `${stage.stage}:${runs.length}`);
    expect(names(two({}))).toEqual(["convertVae:2", "convertDit:2", "prepareDataset:2", "pretrain:1", "pretrain:1"]);
    const tensor2 = two({
      parallel: { ...settings.parallel, tensor: 2 },
      batch: { micro: 1, global: 8 },
    });
    expect(names(tensor2)).toEqual([
      "convertVae:2",
      "convertDit:1",
      "prepareDataset:2",
      "pretrain:1",
      "convertDit:1",
      "pretrain:1",
    ]);
  });

  it("are all judged: a broken one does not hide the others' mistakes", () => {
    const plan = two({ parallel: { ...settings.parallel, tensor: 3 } });
    expect(plan.diagnostics.filter(({ severity }) => severity === "error")).toMatchObject([
      { rule: "world-size-divides", path: ["runs", "second", "parallel"] },
    ]);
  });
});

describe("training rules", () => {
  it.each<[string, Partial<TextToVideoSettings>, string]>([
    [
      "a minimum above the rate",
      { training: { ...settings.training, learningRate: 1e-6 } as TextToVideoSettings["training"] },
      "learning-rate-above-minimum",
    ],
    [
      "several device connections with tensor parallelism",
      {
        environmentVariables: { CUDA_DEVICE_MAX_CONNECTIONS: "2" },
        parallel: { ...settings.parallel, tensor: 2 },
      },
      "single-device-connection",
    ],
  ])("refuse %s", (_, change, rule) => {
    expect(planEnvironment(withRun(change)).diagnostics).toContainEqual(
      expect.objectContaining({ severity: "error", rule }),
    );
  });

  it("warn of a training that saves at its end only", () => {
    expect(planEnvironment(withRun({})).diagnostics).toMatchObject([
      { severity: "warning", rule: "saves-before-the-end", nearest: ["500"] },
    ]);
  });
});
