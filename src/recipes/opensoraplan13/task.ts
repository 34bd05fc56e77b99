/** The three tasks of this folder: what differs between text-to-video, image-to-video and training on features. */
import type { RunContext } from "../recipe.ts";
import { type Clip, clips, type PictureSize, type Predictor, predictors } from "./facts.ts";
import type { ClipSettings } from "./surface/clip.ts";
import type { AnySettings, VideoSettings } from "./surface/runs.ts";

/** Name of a task, as it appears in paths and artifact identities. */
export type TaskName = "t2v" | "i2v" | "t2v-features";

/** What a task fixes. */
export interface Task {
  readonly name: TaskName;
  readonly predictor: Predictor;
  /** What the dataset is filtered for, and what the trainer reads. */
  readonly clip: Clip;
  /** File names of upstream's pretraining, so that readers of the guide find their way. */
  readonly files: { readonly data: string; readonly model: string };
}

/** Everything that a stage of these recipes is planned from. */
export interface TaskContext<Settings extends AnySettings = AnySettings> extends RunContext<Settings> {
  readonly task: Task;
}

function sizeWith(size: PictureSize, given: ClipSettings): PictureSize {
  if (size.kind === "fixed") return { ...size, height: given.height ?? size.height, width: given.width ?? size.width };
  const minimum = given.minimumArea ?? size.minimum;
  return { ...size, maximum: given.maximumArea ?? size.maximum, ...(minimum === undefined ? {} : { minimum }) };
}

/** The task's clip with the user's own values. */
const clipWith = (clip: Clip, given: ClipSettings): Clip => ({
  frames: given.frames ?? clip.frames,
  minimumFrames: given.minimumFrames ?? clip.minimumFrames,
  framesPerSecond: given.framesPerSecond ?? clip.framesPerSecond,
  size: sizeWith(clip.size, given),
});

/** The task of a run. */
export function taskOf(run: AnySettings): Task {
  switch (run.recipe) {
    case "opensoraplan1.3/t2v":
      return {
        name: "t2v",
        predictor: predictors.t2v,
        clip: clipWith(clips[run.resolution], run.clip),
        files: { data: `data_${run.resolution}_resolution.json`, model: "pretrain_t2v_model.json" },
      };
    case "opensoraplan1.3/i2v":
      return {
        name: "i2v",
        predictor: predictors.i2v,
        clip: clipWith(clips.i2v, run.clip),
        files: { data: "data_i2v.json", model: "pretrain_i2v_model.json" },
      };
    case "opensoraplan1.3/t2v-features":
      return {
        name: "t2v-features",
        predictor: predictors.features,
        clip: clipWith(clips.features, run.clip),
        files: { data: "data_feature.json", model: "pretrain_t2v_model.json" },
      };
  }
}

/** Whether a context is that of a task with inference and evaluation. */
export const isVideoContext = (context: TaskContext): context is TaskContext<VideoSettings> =>
  context.run.recipe !== "opensoraplan1.3/t2v-features";

/** The same context when the task has inference and evaluation. */
export const videoContext = (context: TaskContext): TaskContext<VideoSettings> | undefined =>
  isVideoContext(context) ? context : undefined;
