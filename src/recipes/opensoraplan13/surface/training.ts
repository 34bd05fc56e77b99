/** What a stack file says of a training and of its videos. */
import { z } from "zod";
import { relativePath, say } from "../../../config/fields.ts";
import { trainingFields } from "../../mindspeed-mm/training-fields.ts";

/** Values in which upstream's training scripts differ. */
export interface TrainingDefaults {
  readonly masterPort: number;
  readonly recomputeLayers: number;
}

/** Settings of a training; the other defaults are alike in all pretraining scripts of MindSpeed-MM v26.0.0, examples/opensoraplan1.3. */
export const trainingSchema = ({ masterPort, recomputeLayers }: TrainingDefaults) =>
  z
    .strictObject({
      ...trainingFields({ masterPort, workers: 4 }),
      recomputeLayers: z
        .int()
        .min(0)
        .max(32)
        .default(recomputeLayers)
        .meta(say("Layers whose activations are computed again", "重计算层数")),
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
