/** What a stack file says of a Wan2.1 text-to-video run: the slice of the surface that belongs to this folder. */
import { z } from "zod";
import { positive, processorStage, relativePath, say } from "../../config/fields.ts";
import { commonRunFields } from "../../config/run-fields.ts";
import { overridesSchema } from "../../overrides/surface.ts";
import { batchSchema, parallelSchema } from "../../parallel/surface.ts";
import { trainingFields } from "../mindspeed-mm/training-fields.ts";

/** Stages in the order in which they run. */
export const stageNames = ["convertDit", "prepareDataset", "extractFeatures", "pretrain"] as const;

const side = z
  .int()
  .min(32)
  .max(16_384)
  .refine((value) => value % 16 === 0, "must be a multiple of 16");

const stages = z
  .array(z.enum(stageNames))
  .min(1)
  .refine((given) => new Set(given).size === given.length, "must not name a stage twice")
  .default(["convertDit", "prepareDataset", "extractFeatures"])
  .meta(
    say(
      "Stages to run; the order of the list does not matter. Nothing waits for the extraction: list pretrain when the features are complete",
      "要运行的阶段;列表顺序不影响执行顺序。特征提取不会被等待,完成后再加入 pretrain",
    ),
  );

const clip = z
  .strictObject({
    frames: positive
      .max(10_001)
      .refine((value) => value % 4 === 1, "must be one more than a multiple of 4")
      .default(81)
      .meta(say("Frames of the longest clip (num_frames)", "最长片段帧数(num_frames)")),
    height: side.default(480).meta(say("Largest height in pixels (max_height)", "最大高度(max_height)")),
    width: side.default(832).meta(say("Largest width in pixels (max_width)", "最大宽度(max_width)")),
    framesPerSecond: positive.max(240).default(24).meta(say("Frames a second (train_fps)", "训练帧率(train_fps)")),
  })
  .prefault({})
  .meta(say("Clips; upstream's values by default", "训练片段,缺省为上游取值"));

const training = z
  .strictObject({
    ...trainingFields({ masterPort: 6000, workers: 8 }),
    optimiserState: z
      .boolean()
      .default(false)
      .meta(
        say(
          "Saves and loads the state of the optimiser, the scheduler and the random numbers; upstream's script does not, so a restart begins with a new optimiser",
          "保存并加载优化器、学习率调度与随机数状态;上游脚本不保存,重启后优化器状态会重置",
        ),
      ),
    timeoutMinutes: positive
      .max(100_000)
      .default(20)
      .meta(say("How long ranks wait for each other, in minutes", "卡间通信超时(分钟)")),
  })
  .prefault({})
  .meta(say("Training settings", "训练参数"));

const sharding = z
  .strictObject({
    size: z
      .union([z.literal("auto"), positive])
      .default("auto")
      .meta(
        say(
          "Ranks that share one copy of the parameters; auto leaves it to MindSpeed (sharding_size)",
          "共享一份参数的 rank 数(sharding_size),auto 由 MindSpeed 决定",
        ),
      ),
    recompute: z
      .boolean()
      .default(true)
      .meta(say("Computes the activations of every block again", "对每个 block 重计算激活值(recompute_modules)")),
    offload: z
      .boolean()
      .default(false)
      .meta(
        say(
          "Keeps parameters, gradients and optimiser in the memory of the host (offload_to_cpu)",
          "参数、梯度与优化器状态卸载到主机内存(offload_to_cpu)",
        ),
      ),
  })
  .prefault({})
  .meta(say("How FSDP2 spreads the model", "FSDP2 切分方式"));

/** A text-to-video run. */
export const textToVideoSchema = z.strictObject({
  recipe: z
    .literal("wan2.1/t2v-1.3b")
    .meta(say("Wan2.1 text-to-video, 1.3B, sharded by FSDP2", "Wan2.1 文生视频 1.3B(FSDP2)")),
  stages,
  ...commonRunFields,
  mindSpeed: z
    .string()
    .regex(/^[0-9a-f]{7,40}$/, "must be a commit: 7 to 40 hexadecimal digits")
    .optional()
    .meta(
      say(
        "MindSpeed commit in the environment's image, to confirm that it is the one that this model needs",
        "镜像中 MindSpeed 的提交号,用于确认与该模型所需版本一致",
      ),
    ),
  sources: z
    .strictObject({
      folder: relativePath
        .default("Wan-AI/Wan2.1-T2V-1.3B-Diffusers")
        .meta(say("Downloaded model, below the weights volume", "下载的模型目录,相对权重卷")),
    })
    .prefault({})
    .meta(say("Downloaded weights", "下载的原始权重")),
  clip,
  parallel: parallelSchema.prefault({}).meta(say("How ranks share the work", "并行策略")),
  batch: batchSchema.prefault({}).meta(say("Samples a step", "批大小")),
  sharding,
  dataset: z
    .strictObject({
      folder: z
        .union([z.literal(""), relativePath])
        .default("")
        .meta(say("Root folder of the videos, below the dataset volume", "视频根目录,相对数据集卷")),
      annotations: z
        .array(relativePath.regex(/\.jsonl?$/, "must end in .json or .jsonl"))
        .min(1)
        .default(["data.json"])
        .meta(say("Annotation files, below the dataset volume", "标注文件,相对数据集卷")),
    })
    .prefault({})
    .meta(say("Training videos", "训练视频")),
  conversion: processorStage(8, 32, 60).meta(say("Stage that converts weights", "权重转换阶段")),
  datasetPreparation: processorStage(16, 32, 240).meta(say("Stage that prepares the dataset", "数据集处理阶段")),
  extraction: z
    .strictObject({
      npus: positive.default(1).meta(say("NPUs of the extraction, all on one node", "特征提取使用的 NPU 数(单节点)")),
      overrides: overridesSchema,
    })
    .prefault({})
    .meta(say("Extraction of features", "特征提取")),
  training,
  overrides: overridesSchema,
});

/** Settings of a text-to-video run. */
export type TextToVideoSettings = z.infer<typeof textToVideoSchema>;
