/**
 * Where stages differ on purpose from upstream's scripts, each with its reason. A test compares the stacks of the guide with
 * upstream and admits these differences alone; the page docs/reference/upstream-differences.md is made of the same rows.
 */
import { type FieldMetadata, say } from "../../config/fields.ts";

/** Stacks of the guide: one for each of upstream's nine scripts. */
export const guideStacks = [
  "guide-t2v-pretrain",
  "guide-i2v-pretrain",
  "guide-t2v-inference",
  "guide-i2v-inference",
  "guide-t2v-evaluate",
  "guide-i2v-evaluate",
  "guide-extract-features",
  "guide-feature-pretrain-a2",
  "guide-feature-pretrain-a3",
] as const;

/** One of the stacks of the guide. */
export type GuideStack = (typeof guideStacks)[number];

/** One difference. */
export interface UpstreamDifference {
  readonly kind: "argument" | "variable" | "field";
  /** Name of the argument or variable, or dotted path of the field with its file. */
  readonly name: string;
  readonly stacks: readonly GuideStack[];
  /** Upstream's value as JSON or as a word; absent when upstream has none. */
  readonly upstream?: string;
  /** What the value here must look like; absent when there is none here. */
  readonly here?: RegExp;
  readonly reason: FieldMetadata;
}

const pretrains = [
  "guide-t2v-pretrain",
  "guide-i2v-pretrain",
  "guide-feature-pretrain-a2",
  "guide-feature-pretrain-a3",
] as const;
const featureStacks = ["guide-extract-features", "guide-feature-pretrain-a2", "guide-feature-pretrain-a3"] as const;
const trainings = [...pretrains, "guide-extract-features"] as const;
const inferences = ["guide-t2v-inference", "guide-i2v-inference"] as const;
const evaluations = ["guide-t2v-evaluate", "guide-i2v-evaluate"] as const;
const generations = [...inferences, ...evaluations] as const;
const textGenerations = ["guide-t2v-inference", "guide-t2v-evaluate"] as const;
const imageGenerations = ["guide-i2v-inference", "guide-i2v-evaluate"] as const;

const files = /^"?\/etc\/ascend-stacks\/[a-z0-9_.]+"?$/;
const weights = (name: string): RegExp => new RegExp(`^"?/mnt/weights/${name}"?$`);
const checkpoints = (name: string): RegExp => new RegExp(`^"?/mnt/checkpoints/${name}"?$`);
const dataset = (name: string): RegExp => new RegExp(`^"?/mnt/dataset/${name}"?$`);
const convertedDit = weights("converted/opensoraplan1\\.3/[ti]2v-dit-tensor1-[0-9a-f]{10}");
const convertedVae = weights("converted/opensoraplan1\\.3/vae-[0-9a-f]{10}/wfvae_mm\\.pt");
const encoder = weights("google/mt5-xxl");

const path = say("A path in the pod: the volumes are mounted there", "Pod 内的挂载路径");
const made = say("The file is made from the stack file and mounted there", "由环境文件生成并挂载");
const resume = say(
  "One command starts and resumes: the save folder wins when it holds a checkpoint, else the converted weights are taken. Upstream's command starts anew after every restart (rows 6 and 15 below)",
  "同一命令用于首次启动与续训:保存目录有检查点时优先,否则使用转换后的权重;上游脚本重启后会从头开始",
);
const loaded = say(
  "The weights come from --load; the file that upstream names here would be read first and must exist",
  "权重由 --load 加载;上游此处的文件会先被读取且必须存在",
);
const tuning = say(
  "Upstream's inference and evaluation scripts leave out the usual variables (row 13 below)",
  "上游推理与评测脚本缺少常用环境变量",
);
const cache = say(
  "VBench's models come from a folder of the weights volume, for nodes of a cluster often reach no hub",
  "VBench 模型取自权重卷,集群节点通常无法访问外网",
);
const ownPrompts = say("The prompts and pictures of the stack file, as files", "环境文件中的提示词与图片,生成为文件");

const argument = (
  name: string,
  stacks: readonly GuideStack[],
  upstream: string | undefined,
  here: RegExp | undefined,
  reason: FieldMetadata,
): UpstreamDifference => ({
  kind: "argument",
  name,
  stacks,
  ...(upstream === undefined ? {} : { upstream }),
  ...(here === undefined ? {} : { here }),
  reason,
});
const field = (
  name: string,
  stacks: readonly GuideStack[],
  upstream: string,
  here: RegExp,
  reason: FieldMetadata,
): UpstreamDifference => ({ kind: "field", name, stacks, upstream, here, reason });
const variable = (
  name: string,
  stacks: readonly GuideStack[],
  here: RegExp,
  reason: FieldMetadata,
): UpstreamDifference => ({ kind: "variable", name, stacks, here, reason });

const example = "examples/opensoraplan1.3";

const differencesOfArguments: readonly UpstreamDifference[] = [
  argument("--load", pretrains, "your_converted_dit_ckpt_dir", checkpoints("runs/[a-z0-9]+"), resume),
  argument("--load", generations, "your_converted_dit_ckpt_dir", convertedDit, path),
  argument("--pretrained-checkpoint", ["guide-t2v-pretrain", "guide-i2v-pretrain"], undefined, convertedDit, resume),
  argument("--save", pretrains, "your_ckpt_path_to_save", checkpoints("runs/[a-z0-9]+"), path),
  argument("--mm-data", ["guide-t2v-pretrain"], `./${example}/t2v/data_dynamic_resolution.json`, files, made),
  argument("--mm-data", ["guide-i2v-pretrain"], `./${example}/i2v/data_i2v.json`, files, made),
  argument("--mm-data", ["guide-extract-features"], `${example}/t2v_A3/feature_extract/data.json`, files, made),
  argument(
    "--mm-data",
    ["guide-feature-pretrain-a2", "guide-feature-pretrain-a3"],
    `${example}/t2v_A3/data_feature.json`,
    files,
    made,
  ),
  argument("--mm-model", ["guide-t2v-pretrain"], `./${example}/t2v/pretrain_t2v_model.json`, files, made),
  argument("--mm-model", ["guide-i2v-pretrain"], `./${example}/i2v/pretrain_i2v_model.json`, files, made),
  argument("--mm-model", featureStacks, `${example}/t2v_A3/pretrain_t2v_model.json`, files, made),
  argument("--mm-model", ["guide-t2v-inference"], `${example}/t2v/inference_t2v_model.json`, files, made),
  argument("--mm-model", ["guide-i2v-inference"], `${example}/i2v/inference_i2v_model.json`, files, made),
  argument("--mm-model", ["guide-t2v-evaluate"], `${example}/t2v/eval_t2v_model.json`, files, made),
  argument("--mm-model", ["guide-i2v-evaluate"], `${example}/i2v/eval_i2v_model.json`, files, made),
  argument("--mm-tool", trainings, "./mindspeed_mm/tools/tools.json", files, made),
];

const differencesOfVariables: readonly UpstreamDifference[] = [
  variable("ASCEND_SLOG_PRINT_TO_STDOUT", generations, /^0$/, tuning),
  variable("ASCEND_GLOBAL_LOG_LEVEL", generations, /^3$/, tuning),
  variable("TASK_QUEUE_ENABLE", generations, /^1$/, tuning),
  variable("COMBINED_ENABLE", generations, /^1$/, tuning),
  variable("CPU_AFFINITY_CONF", generations, /^1$/, tuning),
  variable("HCCL_CONNECT_TIMEOUT", generations, /^1200$/, tuning),
  variable("MULTI_STREAM_MEMORY_REUSE", generations, /^1$/, tuning),
  variable("PYTORCH_NPU_ALLOC_CONF", generations, /^expandable_segments:True$/, tuning),
  variable("VBENCH_CACHE_DIR", evaluations, weights("vbench"), cache),
  variable("TORCH_HOME", evaluations, weights("vbench"), cache),
  variable("HF_HUB_OFFLINE", evaluations, /^1$/, cache),
];

const differencesOfFields: readonly UpstreamDifference[] = [
  field("model.ae.from_pretrained", ["guide-i2v-pretrain"], '"your pretrained ckpt path"', convertedVae, path),
  field(
    "model.ae.from_pretrained",
    guideStacks.filter((stack) => stack !== "guide-i2v-pretrain"),
    '"./weights/vae/wfvae_mm.pt"',
    convertedVae,
    path,
  ),
  field(
    "model.text_encoder.from_pretrained",
    ["guide-i2v-pretrain"],
    '"your config and pretrained ckpt path"',
    encoder,
    path,
  ),
  field(
    "model.text_encoder.from_pretrained",
    guideStacks.filter((stack) => stack !== "guide-i2v-pretrain"),
    '"./weights/google/mt5-xxl"',
    encoder,
    path,
  ),
  field("model.tokenizer.from_pretrained", generations, '"./weights/google/mt5-xxl"', encoder, path),
  field("model.predictor.from_pretrained", textGenerations, '"./weights/sparsedit/sparsedit_mm.pth"', /^null$/, loaded),
  field(
    "model.predictor.from_pretrained",
    imageGenerations,
    '"./weights/sparsedit/sparsediti2v_mm.pth"',
    /^null$/,
    loaded,
  ),
  field(
    "model.save_path",
    ["guide-t2v-inference"],
    `"${example}/t2v/samples/"`,
    checkpoints("videos/t2v-[0-9a-f]{10}/"),
    path,
  ),
  field(
    "model.save_path",
    ["guide-i2v-inference"],
    `"${example}/i2v/samples/"`,
    checkpoints("videos/i2v-[0-9a-f]{10}/"),
    path,
  ),
  field(
    "model.save_path",
    ["guide-t2v-evaluate"],
    `"${example}/t2v/samples/"`,
    checkpoints("evaluation/t2v-[0-9a-f]{10}/videos/"),
    path,
  ),
  field(
    "model.save_path",
    ["guide-i2v-evaluate"],
    `"${example}/i2v/samples/"`,
    checkpoints("evaluation/i2v-[0-9a-f]{10}/videos/"),
    path,
  ),
  field("model.prompt", textGenerations, `"${example}/t2v/samples_prompt.txt"`, files, ownPrompts),
  field("model.prompt", imageGenerations, `"${example}/i2v/cond_prompt.txt"`, files, ownPrompts),
  field(
    "model.conditional_pixel_values_path",
    imageGenerations,
    `"${example}/i2v/cond_pix_path.txt"`,
    files,
    ownPrompts,
  ),
  field(
    "model.eval_config.dataset.basic_param.data_path",
    ["guide-t2v-evaluate"],
    '"t2v-dataset/VBench_full_info.json"',
    dataset("t2v-dataset/VBench_full_info\\.json"),
    path,
  ),
  field(
    "model.eval_config.dataset.basic_param.data_path",
    ["guide-i2v-evaluate"],
    '"i2v-dataset/vbench2_i2v_full_info.json"',
    dataset("i2v-dataset/vbench2_i2v_full_info\\.json"),
    path,
  ),
  field(
    "model.eval_config.dataset.basic_param.data_folder",
    ["guide-t2v-evaluate"],
    '"vbench/prompts"',
    dataset("vbench/prompts"),
    path,
  ),
  field(
    "model.eval_config.dataset.basic_param.data_folder",
    ["guide-i2v-evaluate"],
    '"vbench2_i2v/data"',
    dataset("vbench2_i2v/data"),
    path,
  ),
  field(
    "model.eval_config.image_path",
    ["guide-i2v-evaluate"],
    '"vbench2_i2v/data/crop"',
    dataset("vbench2_i2v/data/crop"),
    path,
  ),
  field(
    "model.eval_config.eval_result_path",
    evaluations,
    '"./eval_result"',
    checkpoints("evaluation/[ti]2v-[0-9a-f]{10}"),
    path,
  ),
  field(
    "data.dataset_param.basic_parameters.data_path",
    ["guide-t2v-pretrain", "guide-i2v-pretrain", "guide-extract-features"],
    `"./${example}/data.txt"`,
    checkpoints("datasets/[0-9a-f]{10}/data\\.txt"),
    say("The list that prepareDataset writes", "由 prepareDataset 生成的列表"),
  ),
  field(
    "data.dataset_param.basic_parameters.data_path",
    ["guide-feature-pretrain-a2", "guide-feature-pretrain-a3"],
    '"./sora_features/data.jsonl"',
    checkpoints("features/[0-9a-f]{10}/data\\.jsonl"),
    path,
  ),
  field(
    "data.dataset_param.basic_parameters.data_folder",
    ["guide-feature-pretrain-a2", "guide-feature-pretrain-a3"],
    '"./sora_features/"',
    checkpoints("features/[0-9a-f]{10}/"),
    path,
  ),
  field(
    "data.dataset_param.tokenizer_config.from_pretrained",
    ["guide-i2v-pretrain"],
    '"your model path"',
    encoder,
    path,
  ),
  field(
    "data.dataset_param.tokenizer_config.from_pretrained",
    ["guide-t2v-pretrain", ...featureStacks],
    '"./weights/google/mt5-xxl"',
    encoder,
    path,
  ),
  field(
    "tool.sorafeature.save_path",
    ["guide-extract-features"],
    '"./sora_features"',
    checkpoints("features/[0-9a-f]{10}"),
    path,
  ),
];

/** Every difference in arguments, environment variables and fields of files. */
export const upstreamDifferences: readonly UpstreamDifference[] = [
  ...differencesOfArguments,
  ...differencesOfVariables,
  ...differencesOfFields,
];
