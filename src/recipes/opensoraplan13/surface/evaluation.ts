/** What a stack file says of judging the model with VBench. */
import { z } from "zod";
import { positive, relativePath, say } from "../../../config/fields.ts";
import { programOverridesSchema } from "../../../overrides/surface.ts";

/** Dimensions of VBench. Source: build_full_dimension_list of vbench 0.1.5. */
const textDimensions = [
  "subject_consistency",
  "background_consistency",
  "aesthetic_quality",
  "imaging_quality",
  "object_class",
  "multiple_objects",
  "color",
  "spatial_relationship",
  "scene",
  "temporal_style",
  "overall_consistency",
  "human_action",
  "temporal_flickering",
  "motion_smoothness",
  "dynamic_degree",
  "appearance_style",
] as const;

/** Dimensions of VBench for image-to-video. Source: build_full_dimension_list of its vbench2_beta_i2v. */
const imageDimensions = [
  "i2v_subject",
  "i2v_background",
  "camera_motion",
  "subject_consistency",
  "background_consistency",
  "aesthetic_quality",
  "imaging_quality",
  "temporal_flickering",
  "motion_smoothness",
  "dynamic_degree",
] as const;

const sharedFields = {
  ratio: z
    .enum(["1-1", "8-5", "7-4", "16-9"])
    .default("16-9")
    .meta(say("Width to height of the judged videos", "视频宽高比")),
  generate: z
    .boolean()
    .default(true)
    .meta(
      say(
        "Whether the videos are made first, with the settings of inference; else those of an earlier attempt are judged",
        "是否先按推理设置生成视频;否则评测已有视频",
      ),
    ),
  cache: relativePath
    .default("vbench")
    .meta(say("VBench's own models, below the weights volume", "VBench 所需模型的缓存目录,相对权重卷")),
  timeoutMinutes: positive
    .max(100_000)
    .default(600)
    .meta(say("How long ranks wait for each other, in minutes", "卡间通信超时(分钟)")),
  overrides: programOverridesSchema,
};

const dimensionsMeaning = say("What is judged", "评测维度");
const listMeaning = say("VBench's list of prompts, below the dataset volume", "VBench 提示词信息文件,相对数据集卷");
const folderMeaning = say(
  "VBench's folder of prompts or pictures, below the dataset volume",
  "VBench 数据目录,相对数据集卷",
);
const evaluationMeaning = say(
  "Judging with VBench; the other settings are those of inference",
  "VBench 评测;其余设置同推理",
);

/** Evaluation of text-to-video. Defaults: eval_t2v_model.json of MindSpeed-MM v26.0.0. */
export const textEvaluationSchema = z
  .strictObject({
    dimensions: z
      .array(z.enum(textDimensions))
      .min(1)
      .default([
        "subject_consistency",
        "background_consistency",
        "aesthetic_quality",
        "imaging_quality",
        "temporal_style",
        "overall_consistency",
        "human_action",
        "temporal_flickering",
        "motion_smoothness",
        "dynamic_degree",
        "appearance_style",
      ])
      .meta(dimensionsMeaning),
    list: relativePath.default("t2v-dataset/VBench_full_info.json").meta(listMeaning),
    folder: relativePath.default("vbench/prompts").meta(folderMeaning),
    ...sharedFields,
  })
  .prefault({})
  .meta(evaluationMeaning);

/** Evaluation of image-to-video. Defaults: eval_i2v_model.json of MindSpeed-MM v26.0.0. */
export const imageEvaluationSchema = z
  .strictObject({
    dimensions: z.array(z.enum(imageDimensions)).min(1).default(["subject_consistency"]).meta(dimensionsMeaning),
    list: relativePath.default("i2v-dataset/vbench2_i2v_full_info.json").meta(listMeaning),
    folder: relativePath.default("vbench2_i2v/data").meta(folderMeaning),
    images: relativePath
      .default("vbench2_i2v/data/crop")
      .meta(say("VBench's cropped pictures, below the dataset volume", "VBench 裁剪后的图片目录,相对数据集卷")),
    ...sharedFields,
  })
  .prefault({})
  .meta(evaluationMeaning);
