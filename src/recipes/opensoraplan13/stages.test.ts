import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../config/schema.ts";
import { type EnvironmentPlan, planEnvironment, stageName } from "../../pipeline/pipeline.ts";
import { readStack } from "../../stack.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import { environmentShape } from "../catalogue.ts";

const projectFolder = join(import.meta.dirname, "..", "..", "..");
const { environment } = readStack(projectFolder, "guide-t2v-evaluate");

/** Plans one run as a stack file would write it. */
function plan(run: Readonly<Record<string, unknown>>, changes: Partial<Environment> = {}): EnvironmentPlan {
  const runs = environmentShape.shape.runs.parse({ run });
  const cluster = { ...environment.cluster, nodes: 64 };
  return planEnvironment({ ...environment, cluster, ...changes, runs });
}

const errors = (planned: EnvironmentPlan): readonly (string | undefined)[] =>
  planned.diagnostics.filter(({ severity }) => severity === "error").map(({ rule }) => rule);
const warnings = (planned: EnvironmentPlan): readonly (string | undefined)[] =>
  planned.diagnostics.filter(({ severity }) => severity === "warning").map(({ rule }) => rule);

function stage(planned: EnvironmentPlan, name: string): StagePlan {
  const found = planned.stages.find((candidate) => candidate.plan.stage === name);
  if (found === undefined) throw new Error(`no stage ${name}: ${JSON.stringify(planned.diagnostics)}`);
  return found.plan;
}

/** Value after an option. */
const option = ({ program }: StagePlan, name: string): string | undefined => program[program.indexOf(name) + 1];
const file = (planned: StagePlan, name: string) => JSON.parse(planned.files[`/etc/ascend-stacks/${name}`] ?? "");

const t2v = { recipe: "opensoraplan1.3/t2v" };
const i2v = { recipe: "opensoraplan1.3/i2v" };
const features = { recipe: "opensoraplan1.3/t2v-features" };
const prompts = ["a", "b"];

describe("pipeline layouts", () => {
  const pipelined = {
    ...t2v,
    parallel: {
      tensor: 2,
      pipeline: 4,
      virtualPipeline: 2,
      layersPerStage: [
        [3, 4, 4, 5],
        [4, 4, 4, 4],
      ],
    },
    batch: { accumulation: 4 },
  };
  const planned = plan(pipelined);

  it("reach converter, model file, arguments and rank folders alike", () => {
    expect(errors(planned)).toEqual([]);
    expect(option(stage(planned, "convertDit"), "--cfg.target_parallel_config.pp_layers")).toBe(
      "[[3,4,4,5],[4,4,4,4]]",
    );
    const training = stage(planned, "pretrain");
    expect(file(training, "pretrain_t2v_model.json").predictor.pipeline_num_layers).toEqual([
      [3, 4, 4, 5],
      [4, 4, 4, 4],
    ]);
    expect(training.program.join(" ")).toContain(
      "--optimization-level 2 --use-multiparameter-pipeline-model-parallel --variable-seq-lengths",
    );
    expect(option(training, "--global-batch-size")).toBe("4");
    expect(stage(planned, "convertDit").outputs[0]?.checkpoint).toEqual({
      rankFolders: [
        ...["mp_rank_00_000", "mp_rank_00_001", "mp_rank_00_002", "mp_rank_00_003"],
        ...["mp_rank_01_000", "mp_rank_01_001", "mp_rank_01_002", "mp_rank_01_003"],
      ],
    });
  });

  it("of one dimension are one list", () => {
    const flat = plan({ ...t2v, parallel: { pipeline: 4, layersPerStage: [6, 8, 9, 9] }, batch: { accumulation: 4 } });
    expect(option(stage(flat, "convertDit"), "--cfg.target_parallel_config.pp_layers")).toBe("[6,8,9,9]");
  });

  it.each([
    [
      "a sum that drops layers",
      { ...t2v, parallel: { pipeline: 4, layersPerStage: [8, 8, 8, 7] } },
      "stage-layers-sum",
    ],
    [
      "image-to-video weights, of which the converter loses keys",
      { ...i2v, parallel: { pipeline: 4 } },
      "converted-keys-kept",
    ],
    ["resplit of stages", { ...pipelined, stages: ["pretrain", "resplit"] }, "pipeline-is-not-merged"],
    [
      "inference with trained stages",
      { ...pipelined, stages: ["inference"], inference: { prompts, weights: "trained" } },
      "pipeline-is-not-merged",
    ],
  ])("refuse %s", (_, run, rule) => expect(errors(plan(run))).toContain(rule));
});

describe("conversion", () => {
  it("asks for the memory that all copies need, and for 128 GiB at least", () => {
    expect(stage(plan(t2v), "convertDit").resources.memoryGiB).toBe(128);
    const large = plan({ ...t2v, parallel: { tensor: 4 }, conversion: { weightsGiB: 40 } });
    expect(stage(large, "convertDit").resources.memoryGiB).toBe(200);
    expect(stage(large, "convertDit").conversion).toMatchObject({ copies: 5, memorySetting: "conversion.memoryGiB" });
  });

  it("refuses less memory with the least that is enough", () => {
    const { diagnostics } = plan({ ...t2v, parallel: { tensor: 8 }, conversion: { memoryGiB: 64 } });
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ rule: "conversion-fits-memory", severity: "error", nearest: ["108"] }),
    );
  });

  it("always names the size that trained weights are cut for", () => {
    const planned = plan({ ...t2v, parallel: { tensor: 2 }, stages: ["resplit"] });
    expect(stage(planned, "resplit").program.slice(0, 5)).toEqual([
      ...["mm-convert", "OpenSoraPlanConverter", "--version", "v1.3", "resplit"],
    ]);
    expect(option(stage(planned, "resplit"), "--cfg.target_parallel_config.tp_size")).toBe("1");
    expect(stage(planned, "resplit").inputs[0]).toMatchObject({
      kind: "checkpoint",
      path: "/mnt/checkpoints/runs/run",
    });
    expect(stage(planned, "resplit").conversion).toMatchObject({ isCheckpointSource: true });
  });

  it("cuts downloaded weights for training and for inference where these differ", () => {
    const planned = plan({
      ...t2v,
      parallel: { tensor: 4 },
      stages: ["convertDit", "pretrain", "inference"],
      inference: { prompts },
    });
    const sizes = planned.stages
      .filter(({ plan: { stage: name } }) => name === "convertDit")
      .map(({ plan: conversion }) => option(conversion, "--cfg.target_parallel_config.tp_size"));
    expect(sizes).toEqual(["4", "1"]);
  });
});

describe("stages that need a finished one", () => {
  it.each([
    ["resplit after pretrain", { ...t2v, stages: ["pretrain", "resplit"] }],
    [
      "inference with trained weights",
      { ...t2v, stages: ["pretrain", "inference"], inference: { prompts, weights: "trained" } },
    ],
    ["training on features", { ...features, stages: ["extractFeatures", "pretrain"] }],
  ])("are planned with a warning: %s", (_, run) => {
    const planned = plan(run);
    expect(errors(planned)).toEqual([]);
    expect(warnings(planned)).toContain("needs-finished-stage");
    const [first, second] = planned.stages;
    expect(second?.after).toEqual([first?.name]);
  });

  it("are not warned of alone", () => {
    expect(warnings(plan({ ...t2v, stages: ["resplit"] }))).not.toContain("needs-finished-stage");
  });

  it("get another name when their settings change, and a training never", () => {
    const name = (run: Readonly<Record<string, unknown>>, which: string): string => stageName(stage(plan(run), which));
    const inference = { ...t2v, stages: ["inference"] };
    const first = name({ ...inference, inference: { prompts } }, "inference");
    expect(first).toMatch(/^run-inference-[0-9a-f]{10}$/);
    expect(name({ ...inference, inference: { prompts: ["c"] } }, "inference")).not.toBe(first);
    expect(name({ ...inference, inference: { prompts, npus: 2, parallel: { context: 2 } } }, "inference")).toBe(first);
    expect(name(t2v, "pretrain")).toBe("run-pretrain");
  });
});

describe("inference", () => {
  const images = ["x.png", "y.jpg"];

  it("reads prompts and pictures from files, and proves its videos", () => {
    const made = stage(plan({ ...i2v, stages: ["inference"], inference: { prompts, images } }), "inference");
    expect(made.files["/etc/ascend-stacks/cond_prompt.txt"]).toBe("a\nb\n");
    expect(made.files["/etc/ascend-stacks/cond_pix_path.txt"]).toBe("/mnt/dataset/x.png\n/mnt/dataset/y.jpg\n");
    expect(made.patches).toEqual(["i2v-inference-guidance"]);
    expect(made.outputs[0]).toMatchObject({
      requiredFiles: ["video_0.mp4", "video_1.mp4", "video_grid.mp4"],
      isWrittenInPlace: true,
    });
    expect(made.inputs).toContainEqual(expect.objectContaining({ requiredFiles: images }));
  });

  it.each([
    ["i2v", ["x.png", "y.png"]],
    [
      "transition",
      [
        ["x.png", "y.png"],
        ["z.png", "x.png"],
      ],
    ],
    ["continuation", ["x.mp4", "y.mov"]],
  ])("says what videos start from: %s", (mask, given) => {
    const made = stage(plan({ ...i2v, stages: ["inference"], inference: { prompts, images: given } }), "inference");
    expect(file(made, "inference_i2v_model.json").mask_type).toBe(mask);
  });

  it.each([
    ["the download, converted", {}, /^\/mnt\/weights\/converted\/opensoraplan1\.3\/t2v-dit-tensor1-/],
    ["what the run trained alike", { inference: { prompts, weights: "trained" } }, /^\/mnt\/checkpoints\/runs\/run$/],
    [
      "what the run trained, joined",
      { parallel: { tensor: 2 }, inference: { prompts, weights: "trained" } },
      /^\/mnt\/checkpoints\/merged\/run-/,
    ],
    ["a folder", { inference: { prompts, weights: { folder: "own/dit" } } }, /^\/mnt\/weights\/own\/dit$/],
  ])("loads %s", (_, change, path) => {
    const made = stage(plan({ ...t2v, stages: ["inference"], inference: { prompts }, ...change }), "inference");
    expect(option(made, "--load")).toMatch(path);
    expect(made.inputs).toContainEqual(expect.objectContaining({ path: expect.stringMatching(path) }));
    expect(file(made, "inference_t2v_model.json").predictor.from_pretrained).toBeNull();
  });

  it.each([
    ["no prompt", t2v, {}, "inference-has-prompts"],
    ["prompts that fill no batch", t2v, { prompts: ["a", "b", "c"], batch: { micro: 2 } }, "prompts-fill-batches"],
    ["a picture too few", i2v, { prompts, images: ["x.png"] }, "one-picture-a-prompt"],
    ["two kinds of pictures", i2v, { prompts, images: ["x.png", "y.mp4"] }, "pictures-are-alike"],
    ["a file of another kind", i2v, { prompts, images: ["x.png", "y.txt"] }, "pictures-are-known"],
    ["heads that do not divide", t2v, { prompts, npus: 5, parallel: { tensor: 5 } }, "heads-divide"],
    ["more NPUs than a node has", t2v, { prompts, npus: 9 }, "inference-npus-legal"],
  ])("refuses %s", (_, run, inference, rule) => {
    expect(errors(plan({ ...run, stages: ["inference"], inference }))).toContain(rule);
  });
});

describe("evaluation", () => {
  it("runs in its own image, with VBench's models from the weights volume", () => {
    const made = stage(plan({ ...t2v, stages: ["evaluate"] }), "evaluate");
    expect(made.image).toBe("evaluation");
    expect(made.environment).toMatchObject({ VBENCH_CACHE_DIR: "/mnt/weights/vbench", HF_HUB_OFFLINE: "1" });
    expect(made.outputs[0]?.requiredFiles).toEqual(["t2v_eval_results.json", "eval_result.xlsx"]);
  });

  it("is refused without one", () => {
    const { evaluation: _, ...image } = environment.image;
    expect(errors(plan({ ...t2v, stages: ["evaluate"] }, { image: image as Environment["image"] }))).toEqual([
      "evaluation-has-image",
    ]);
  });
});

describe("the limits of clip lengths", () => {
  it.each([
    [{ frames: 45 }, "static", "45"],
    [{ frames: 96, minimumFrames: 94 }, "dynamic", "93"],
  ] as const)("%j at %s resolution leave no clip, and that alone is said", (clip, resolution, nearest) => {
    const { diagnostics } = plan({ ...t2v, resolution, clip });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toMatchObject([
      { rule: "clip-lengths-exist", path: ["runs", expect.anything(), "clip", "minimumFrames"], nearest: [nearest] },
    ]);
  });
});

describe("training on features", () => {
  it("is marked as experimental, with the reason, and needs the repair", () => {
    const planned = plan({ ...features, stages: ["pretrain"] });
    expect(planned.diagnostics).toContainEqual(
      expect.objectContaining({
        rule: "feature-training-is-experimental",
        severity: "warning",
        what: expect.stringContaining("no video mask"),
      }),
    );
    expect(stage(planned, "pretrain").patches).toEqual(["feature-training-without-mask"]);
    expect(stage(planned, "pretrain").program).not.toContain("--pretrained-checkpoint");
  });

  it("refuses released weights and takes own ones", () => {
    expect(errors(plan({ ...features, stages: ["convertDit"] }))).toEqual(["feature-weights-fit"]);
    const own = plan({ ...features, stages: ["pretrain"], initialWeights: { folder: "own" } });
    expect(option(stage(own, "pretrain"), "--pretrained-checkpoint")).toBe("/mnt/weights/own");
  });

  it("reads what the extraction makes, whatever the layout of the training", () => {
    const [made] = stage(plan(features), "extractFeatures").outputs;
    const read = stage(plan({ ...features, stages: ["pretrain"], parallel: { tensor: 4, context: 2 } }), "pretrain");
    expect(read.inputs).toContainEqual(made);
  });
});

describe("training", () => {
  it("keeps the checkpoints that it is told to, and saves when it is stopped", () => {
    const planned = plan({ ...t2v, training: { saveInterval: 500, keepLast: 2, keepEvery: 1000, saveOnStop: true } });
    expect(stage(planned, "pretrain").success).toMatchObject({ retention: { keepLast: 2, keepEvery: 1000 } });
    expect(stage(planned, "pretrain").program).toContain("--exit-signal-handler");
    expect(stage(plan(t2v), "pretrain").success).not.toHaveProperty("retention");
  });

  it.each([
    ["keepEvery without keepLast", { keepEvery: 1000, saveInterval: 500 }],
    ["keepEvery beside the saved ones", { keepEvery: 750, keepLast: 1, saveInterval: 500 }],
  ])("refuses %s", (_, training) => expect(errors(plan({ ...t2v, training }))).toEqual(["kept-checkpoints-are-saved"]));
});

describe("overrides", () => {
  it("reach arguments and files of each stage under upstream's names", () => {
    const planned = plan({
      ...t2v,
      stages: ["pretrain", "inference"],
      overrides: {
        arguments: { "adam-beta2": 0.95 },
        data: { dataset_param: { preprocess_parameters: { cfg: 0.2 } } },
      },
      inference: { prompts, overrides: { arguments: { seed: 7 }, model: { use_prompt_preprocess: true } } },
    });
    expect(errors(planned)).toEqual([]);
    expect(option(stage(planned, "pretrain"), "--adam-beta2")).toBe("0.95");
    expect(
      file(stage(planned, "pretrain"), "data_dynamic_resolution.json").dataset_param.preprocess_parameters.cfg,
    ).toBe(0.2);
    expect(option(stage(planned, "inference"), "--seed")).toBe("7");
    expect(file(stage(planned, "inference"), "inference_t2v_model.json").use_prompt_preprocess).toBe(true);
  });

  it.each([
    [
      "an unknown option",
      { arguments: { "adam-beta3": 1 } },
      "argument-known",
      ["overrides", "arguments", "adam-beta3"],
    ],
    [
      "an unknown field",
      { model: { predictor: { num_hedas: 1 } } },
      "field-known",
      ["overrides", "model", "predictor", "num_hedas"],
    ],
    [
      "what another setting decides",
      { model: { predictor: { num_layers: 16 } } },
      "override-owned",
      ["overrides", "model", "predictor", "num_layers"],
    ],
  ])("refuse %s", (_, overrides, rule, path) => {
    const { diagnostics, stages } = plan({ ...t2v, overrides });
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ rule, severity: "error", path: ["runs", "run", ...path] }),
    );
    expect(stages).toEqual([]);
  });

  it("tell the dataset check what the trainer will filter by", () => {
    const data = { dataset_param: { preprocess_parameters: { speed_factor: 2 } } };
    const prepared = stage(
      plan({ ...t2v, overrides: { data }, clip: { frames: 61, framesPerSecond: 24 } }),
      "prepareDataset",
    );
    expect(option(prepared, "--speed-factor")).toBe("2");
    expect(option(prepared, "--frames")).toBe("61");
    expect(option(prepared, "--train-fps")).toBe("24");
  });
});

describe("download", () => {
  const sources = { vae: "open-sora-plan/vae/merged.ckpt", dit: "open-sora-plan/any93x640x640" };
  const stages = ["download", "convertVae", "convertDit"];

  it("brings each repository once, before the conversions that read it", () => {
    const planned = plan({ ...t2v, stages, sources });
    expect(errors(planned)).toEqual([]);
    const names = planned.stages.map(({ plan: made }) => made.stage);
    expect(names).toEqual(["download", "download", "convertVae", "convertDit"]);
    expect(planned.stages[2]?.after).toEqual([planned.stages[0]?.name]);
    expect(stage(planned, "download").program.slice(2)).toEqual([
      ...["download", "--source", "https://huggingface.co", "--layout", "hub"],
      ...["--repository", "LanguageBind/Open-Sora-Plan-v1.3.0", "--revision", "main"],
      ...["--pattern", "any93x640x640/*", "--pattern", "vae/*", "--target", "/mnt/weights/open-sora-plan"],
    ]);
  });

  it.each([
    ["sources that nothing brings", { download: {} }, "download-brings-sources"],
    ["a token that is no secret", { sources, download: { tokenVariable: "HF_TOKEN" } }, "download-token-is-secret"],
    ["patterns on a mirror without a listing", { sources, download: { layout: "plain" } }, "download-names-files"],
  ])("refuses %s", (_, change, rule) => expect(errors(plan({ ...t2v, stages, ...change }))).toContain(rule));
});
