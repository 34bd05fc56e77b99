/** What a stack file says of making videos with the model, and of judging them. */
import { z } from "zod";
import { positive, relativePath, say, text } from "../../../config/fields.ts";
import { programOverridesSchema } from "../../../overrides/surface.ts";

const prompt = text
  .max(5000, "must have at most 5000 characters")
  .refine((value) => value.trim() === value, "must not begin or end with a space");

const weights = z
  .union([
    z.enum(["converted", "trained"]),
    z.strictObject({
      folder: relativePath.meta(
        say(
          "Folder of weights in MindSpeed-MM's form, below the weights volume",
          "MindSpeed-MM 格式的权重目录,相对权重卷",
        ),
      ),
    }),
  ])
  .default("converted")
  .meta(
    say(
      "Weights to use: the converted download, what this run has trained, or a folder",
      "使用的权重:转换后的开源权重、本任务训练所得权重,或指定目录",
    ),
  );

/** Pictures are encoded by the autoencoder (8) and cut into patches of two by two. */
const side = z
  .int()
  .min(32)
  .max(8192)
  .refine((value) => value % 16 === 0, "must be a multiple of 16");

/** Fields that both tasks have. Defaults: the inference scripts and model files of MindSpeed-MM v26.0.0, examples/opensoraplan1.3. */
export const inferenceFields = {
  prompts: z
    .array(prompt)
    .max(100, "must have at most 100 entries: the inference program reads no more")
    .default([])
    .meta(say("What to show, one video each", "提示词,每条生成一个视频")),
  weights,
  steps: positive.max(10_000).default(100).meta(say("Denoising steps", "去噪步数")),
  guidance: z.number().min(0).max(100).default(7.5).meta(say("Strength of the guidance by the prompt", "引导系数")),
  frames: z
    .int()
    .min(1)
    .max(1001)
    .refine((value) => value % 4 === 1, "must be one more than a multiple of 4")
    .default(93)
    .meta(say("Frames of a video", "视频帧数")),
  height: side.default(352).meta(say("Height in pixels", "高度(像素)")),
  width: side.default(640).meta(say("Width in pixels", "宽度(像素)")),
  framesPerSecond: positive.max(240).default(18).meta(say("Frames a second of the files", "输出视频帧率")),
  npus: positive.default(1).meta(say("NPUs, all on one node", "NPU 数(单节点)")),
  parallel: z
    .strictObject({
      tensor: positive.default(1).meta(say("Tensor parallel size", "张量并行(TP)大小")),
      context: positive.default(1).meta(say("Context parallel size", "序列并行(CP)大小")),
    })
    .prefault({})
    .meta(say("How ranks share one video", "并行策略")),
  batch: z
    .strictObject({
      micro: positive.default(1).meta(say("Videos made at once on one rank", "单卡一次生成的视频数(MBS)")),
    })
    .prefault({})
    .meta(say("Videos at once", "批大小")),
  timeoutMinutes: positive
    .max(100_000)
    .default(20)
    .meta(say("How long ranks wait for each other, in minutes", "卡间通信超时(分钟)")),
  masterPort: z.int().min(1024).max(65_535).default(12_875).meta(say("TCP port of the rendezvous", "主节点通信端口")),
  overrides: programOverridesSchema,
} as const;

const inferenceMeaning = say("Making videos", "推理");

/** Inference of text-to-video. */
export const textInferenceSchema = z.strictObject(inferenceFields).prefault({}).meta(inferenceMeaning);

/** Inference of image-to-video: every prompt has pictures, or a video to go on from. */
export const imageInferenceSchema = z
  .strictObject({
    ...inferenceFields,
    images: z
      .array(z.union([relativePath, z.array(relativePath).min(1).max(2)]))
      .default([])
      .meta(
        say(
          "For each prompt an image to start from, two images to go from one to the other, or a video to go on from; below the dataset volume",
          "每条提示词对应一张图(首帧)、两张图(首尾帧过渡)或一个视频(续写),相对数据集卷",
        ),
      ),
  })
  .prefault({})
  .meta(inferenceMeaning);

/** Settings of an inference of either task. */
export type InferenceSettings = z.infer<typeof textInferenceSchema> | z.infer<typeof imageInferenceSchema>;
