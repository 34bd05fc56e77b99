/** What a stack file says of a training and of its videos. */
import { z } from "zod";
import { fraction, positive, relativePath, say } from "../../../config/fields.ts";

/** Values in which upstream's training scripts differ. */
export interface TrainingDefaults {
  readonly masterPort: number;
  readonly recomputeLayers: number;
}

/** Settings of a training; the other defaults are alike in all pretraining scripts of MindSpeed-MM v26.0.0, examples/opensoraplan1.3. */
export const trainingSchema = ({ masterPort, recomputeLayers }: TrainingDefaults) =>
  z
    .strictObject({
      iterations: positive.default(5000).meta(say("Training steps", "训练步数")),
      saveInterval: positive.default(10_000).meta(say("Steps between checkpoints", "保存检查点的间隔步数")),
      keepLast: positive
        .optional()
        .meta(say("Newest checkpoints that are kept; all when absent", "保留最近的检查点个数;缺省全部保留")),
      keepEvery: positive
        .optional()
        .meta(
          say(
            "Checkpoints of steps that this divides are kept for good, beside the newest",
            "步数为该值整数倍的检查点永久保留",
          ),
        ),
      saveOnStop: z
        .boolean()
        .default(false)
        .meta(
          say(
            "Saves a checkpoint when the pod is asked to stop; torchrun ends its workers about 30 s after that",
            "收到停止信号时先保存检查点;torchrun 约 30 秒后强制结束进程",
          ),
        ),
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
        .default(recomputeLayers)
        .meta(say("Layers whose activations are computed again", "重计算层数")),
      workers: z
        .int()
        .min(0)
        .max(256)
        .default(4)
        .meta(say("Data loader processes a rank", "每个 rank 的数据加载进程数")),
      masterPort: z
        .int()
        .min(1024)
        .max(65_535)
        .default(masterPort)
        .meta(say("TCP port of the rendezvous", "主节点通信端口")),
    })
    .prefault({})
    .meta(say("Training settings", "训练参数"));

/** Settings of a training. */
export type TrainingSettings = z.infer<ReturnType<typeof trainingSchema>>;

/** Where the training videos lie. */
export const datasetSchema = z
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
