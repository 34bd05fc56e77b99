/** What a stack file says of an OpenSoraPlan1.3 run: the slice of the surface that belongs to this recipe. */
import { z } from "zod";
import { fraction, positive, processorStage, relativePath, say } from "../../config/fields.ts";
import { commonRunFields } from "../../config/run-fields.ts";
import { batchSchema, parallelSchema } from "../../parallel/surface.ts";

/** Defaults are those of MindSpeed-MM v26.0.0, examples/opensoraplan1.3/t2v/pretrain_t2v.sh. */
const trainingSchema = z.strictObject({
  iterations: positive.default(5000).meta(say("Training steps", "训练步数")),
  saveInterval: positive.default(10_000).meta(say("Steps between checkpoints", "保存检查点的间隔步数")),
  logInterval: positive.default(1).meta(say("Steps between log lines", "打印日志的间隔步数")),
  evaluationInterval: positive.default(10_000).meta(say("Steps between evaluations", "评估间隔步数")),
  evaluationIterations: positive.default(10).meta(say("Steps of one evaluation", "单次评估的步数")),
  learningRate: fraction.gt(0).default(1e-5).meta(say("Learning rate", "学习率")),
  minimumLearningRate: fraction.default(1e-5).meta(say("Lowest learning rate", "最小学习率")),
  weightDecay: fraction.default(1e-2).meta(say("Weight decay", "权重衰减")),
  warmupIterations: z.int().min(0).max(1_000_000_000).default(0).meta(say("Steps of the warm-up", "预热步数")),
  clipGradient: z.number().min(0).max(1000).default(1).meta(say("Largest gradient norm", "梯度裁剪阈值")),
  recomputeLayers: z
    .int()
    .min(0)
    .max(32)
    .default(32)
    .meta(say("Layers whose activations are computed again", "重计算层数")),
  workers: z.int().min(0).max(256).default(4).meta(say("Data loader processes a rank", "每个 rank 的数据加载进程数")),
  masterPort: z.int().min(1024).max(65_535).default(29_505).meta(say("TCP port of the rendezvous", "主节点通信端口")),
});

/** Stages in the order in which they run. */
export const stageNames = ["convertVae", "convertDit", "prepareDataset", "pretrain"] as const;

const sourcesSchema = z
  .strictObject({
    vae: relativePath
      .default("open-sora-plan/merged.ckpt")
      .meta(say("Downloaded video autoencoder, below the weights volume", "下载的 VAE 权重,相对权重卷")),
    dit: relativePath
      .default("open-sora-plan/93x480p")
      .meta(say("Downloaded DiT weights, below the weights volume", "下载的 DiT 权重,相对权重卷")),
    textEncoder: relativePath
      .default("google/mt5-xxl")
      .meta(say("mT5-xxl, below the weights volume", "mT5-xxl 目录,相对权重卷")),
  })
  .prefault({})
  .meta(say("Downloaded weights", "下载的原始权重"));

const datasetSchema = z
  .strictObject({
    folder: z
      .union([z.literal(""), relativePath])
      .default("")
      .meta(say("Root folder of the videos, below the dataset volume", "视频根目录,相对数据集卷")),
    annotations: z
      .array(relativePath.regex(/\.jsonl?$/, "must end in .json or .jsonl"))
      .min(1)
      .default(["v1.1.0_HQ_part3.json"])
      .meta(say("Annotation files, below the dataset volume", "标注文件,相对数据集卷")),
  })
  .prefault({})
  .meta(say("Training videos", "训练视频"));

/** A text-to-video run. */
export const textToVideoSchema = z.strictObject({
  recipe: z.literal("opensoraplan1.3/t2v").meta(say("OpenSoraPlan1.3 text-to-video", "OpenSoraPlan1.3 文生视频")),
  stages: z
    .array(z.enum(stageNames))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "must not name a stage twice")
    .default([...stageNames])
    .meta(say("Stages to run; the order of the list does not matter", "要运行的阶段;列表顺序不影响执行顺序")),
  ...commonRunFields,
  sources: sourcesSchema,
  dataset: datasetSchema,
  parallel: parallelSchema.prefault({}).meta(say("How ranks share the work", "并行策略")),
  resolution: z
    .enum(["dynamic", "static"])
    .default("dynamic")
    .meta(say("Whether clips keep their own shape or all get one size", "动态或固定分辨率")),
  batch: batchSchema.prefault({}).meta(say("Samples a step", "批大小")),
  training: trainingSchema.prefault({}).meta(say("Training settings", "训练参数")),
  conversion: processorStage(8, 128, 120).meta(say("Stages that convert weights", "权重转换阶段")),
  datasetPreparation: processorStage(16, 32, 240).meta(say("Stage that prepares the dataset", "数据集处理阶段")),
});

/** Settings of a text-to-video run. */
export type TextToVideoSettings = z.infer<typeof textToVideoSchema>;
