/** What a stack file says of an OpenSoraPlan1.3 run: the slices of the surface that belong to the recipes of this folder. */
import { z } from "zod";
import { processorStage, relativePath, say } from "../../../config/fields.ts";
import { commonRunFields } from "../../../config/run-fields.ts";
import { overridesSchema } from "../../../overrides/surface.ts";
import { batchSchema, parallelSchema } from "../../../parallel/surface.ts";
import { areaClipSchema, fixedClipSchema, textClipSchema } from "./clip.ts";
import { downloadSchema } from "./download.ts";
import { imageEvaluationSchema, textEvaluationSchema } from "./evaluation.ts";
import { imageInferenceSchema, textInferenceSchema } from "./inference.ts";
import { datasetSchema, trainingSchema } from "./training.ts";
import { conversionSchema, encoderSourcesSchema, sourcesSchema } from "./weights.ts";

/** Stages of the video tasks in the order in which they run. */
export const videoStages = [
  "download",
  "convertVae",
  "convertDit",
  "prepareDataset",
  "pretrain",
  "resplit",
  "inference",
  "evaluate",
] as const;

/** Stages of the training on features in the order in which they run. */
export const featureStages = [
  "download",
  "convertVae",
  "convertDit",
  "prepareDataset",
  "extractFeatures",
  "pretrain",
  "resplit",
] as const;

const stageList = <Name extends string>(names: readonly Name[], listed: readonly NoInfer<Name>[]) =>
  z
    .array(z.enum(names))
    .min(1)
    .refine((given) => new Set(given).size === given.length, "must not name a stage twice")
    .default([...listed])
    .meta(
      say(
        "Stages to run; the order of the list does not matter. What needs a finished training is listed when the training is complete",
        "要运行的阶段;列表顺序不影响执行顺序。依赖训练结果的阶段在训练完成后再加入",
      ),
    );

const trainedStages = ["convertVae", "convertDit", "prepareDataset", "pretrain"] as const;

const sharedFields = {
  parallel: parallelSchema.prefault({}).meta(say("How ranks share the work", "并行策略")),
  batch: batchSchema.prefault({}).meta(say("Samples a step", "批大小")),
  dataset: datasetSchema,
  conversion: conversionSchema,
  datasetPreparation: processorStage(16, 32, 240).meta(say("Stage that prepares the dataset", "数据集处理阶段")),
  overrides: overridesSchema,
};

/** A text-to-video run. */
export const textToVideoSchema = z.strictObject({
  recipe: z.literal("opensoraplan1.3/t2v").meta(say("OpenSoraPlan1.3 text-to-video", "OpenSoraPlan1.3 文生视频")),
  stages: stageList(videoStages, trainedStages),
  ...commonRunFields,
  sources: sourcesSchema("open-sora-plan/93x480p"),
  download: downloadSchema("any93x640x640/*"),
  resolution: z
    .enum(["dynamic", "static"])
    .default("dynamic")
    .meta(say("Whether clips keep their own shape or all get one size", "动态或固定分辨率")),
  clip: textClipSchema,
  ...sharedFields,
  training: trainingSchema({ masterPort: 29_505, recomputeLayers: 32 }),
  inference: textInferenceSchema,
  evaluation: textEvaluationSchema,
});

/** An image-to-video run. */
export const imageToVideoSchema = z.strictObject({
  recipe: z.literal("opensoraplan1.3/i2v").meta(say("OpenSoraPlan1.3 image-to-video", "OpenSoraPlan1.3 图生视频")),
  stages: stageList(videoStages, trainedStages),
  ...commonRunFields,
  sources: sourcesSchema("open-sora-plan/any93x640x640_i2v"),
  download: downloadSchema("any93x640x640_i2v/*"),
  clip: areaClipSchema,
  ...sharedFields,
  training: trainingSchema({ masterPort: 6000, recomputeLayers: 32 }),
  inference: imageInferenceSchema,
  evaluation: imageEvaluationSchema,
});

/** A text-to-video training on features that are extracted beforehand. */
export const featureTrainingSchema = z.strictObject({
  recipe: z
    .literal("opensoraplan1.3/t2v-features")
    .meta(
      say(
        "OpenSoraPlan1.3 text-to-video on features extracted beforehand (upstream's folder t2v_A3); experimental",
        "OpenSoraPlan1.3 文生视频特征训练(上游 t2v_A3 目录),实验性",
      ),
    ),
  stages: stageList(featureStages, ["convertVae", "prepareDataset", "extractFeatures"]),
  ...commonRunFields,
  sources: encoderSourcesSchema,
  download: downloadSchema(undefined),
  initialWeights: z
    .strictObject({
      folder: relativePath.meta(
        say(
          "Folder of own weights of 32 heads in MindSpeed-MM's form, cut for this layout, below the weights volume",
          "自有权重目录(32 头,MindSpeed-MM 格式,并行切分一致),相对权重卷",
        ),
      ),
    })
    .optional()
    .meta(say("Own weights to start from; random ones when absent", "初始权重;缺省随机初始化")),
  clip: fixedClipSchema,
  ...sharedFields,
  training: trainingSchema({ masterPort: 29_505, recomputeLayers: 0 }),
  extraction: z
    .strictObject({ overrides: overridesSchema })
    .prefault({})
    .meta(say("Extraction of features", "特征提取")),
});

/** Settings of a text-to-video run. */
export type TextToVideoSettings = z.infer<typeof textToVideoSchema>;
/** Settings of an image-to-video run. */
export type ImageToVideoSettings = z.infer<typeof imageToVideoSchema>;
/** Settings of a training on features. */
export type FeatureTrainingSettings = z.infer<typeof featureTrainingSchema>;
/** Settings of a run that has inference and evaluation. */
export type VideoSettings = TextToVideoSettings | ImageToVideoSettings;
/** Settings of any run of this folder's recipes. */
export type AnySettings = VideoSettings | FeatureTrainingSettings;
