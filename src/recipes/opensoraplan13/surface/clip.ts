/** What a stack file says of training clips: every field has the task's own value when absent. */
import { z } from "zod";
import { positive, say } from "../../../config/fields.ts";

const frames = positive.max(10_001);
const side = z
  .int()
  .min(32)
  .max(16_384)
  .refine((value) => value % 32 === 0, "must be a multiple of 32");
const area = z
  .int()
  .min(1024)
  .max(16_384 * 16_384);

/** Fields of all clips. */
const timeFields = {
  frames: frames.optional().meta(say("Frames of the longest clip (num_frames)", "最长片段帧数(num_frames)")),
  minimumFrames: frames
    .optional()
    .meta(say("Frames of the shortest clip (min_num_frames)", "最短片段帧数(min_num_frames)")),
  framesPerSecond: positive.max(240).optional().meta(say("Frames a second (train_fps)", "训练帧率(train_fps)")),
};
const areaFields = {
  maximumArea: area
    .optional()
    .meta(say("Largest picture in pixels, dynamic resolution (max_hxw)", "动态分辨率的最大像素数(max_hxw)")),
  minimumArea: area
    .optional()
    .meta(say("Smallest picture in pixels, dynamic resolution (min_hxw)", "动态分辨率的最小像素数(min_hxw)")),
};
const sizeFields = {
  height: side.optional().meta(say("Height in pixels, static resolution (max_height)", "固定分辨率的高度(max_height)")),
  width: side.optional().meta(say("Width in pixels, static resolution (max_width)", "固定分辨率的宽度(max_width)")),
};

const meaning = say("Training clips; upstream's values when absent", "训练片段;缺省用上游取值");

/** Clips of text-to-video, of either resolution. */
export const textClipSchema = z
  .strictObject({ ...timeFields, ...areaFields, ...sizeFields })
  .prefault({})
  .meta(meaning);
/** Clips of any shape. */
export const areaClipSchema = z
  .strictObject({ ...timeFields, ...areaFields })
  .prefault({})
  .meta(meaning);
/** Clips of one size. */
export const fixedClipSchema = z
  .strictObject({ ...timeFields, ...sizeFields })
  .prefault({})
  .meta(meaning);

/** Settings of clips of any task. */
export type ClipSettings = z.infer<typeof textClipSchema>;
