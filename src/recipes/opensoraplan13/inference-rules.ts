/** Rules on inference and evaluation of OpenSoraPlan1.3. Paths are relative to the run. */
import { conditionOf, conditions, isVideoFile } from "./inference.ts";
import { inferenceLayoutProblems } from "./layouts.ts";
import type { RunFinding } from "./rules.ts";
import type { VideoSettings } from "./surface/runs.ts";
import type { TaskContext } from "./task.ts";

type VideoContext = TaskContext<VideoSettings>;

/** Endings that upstream takes for a picture (mindspeed_mm/tasks/inference/pipeline/utils/sora_utils.py). */
const isImageFile = (path: string): boolean => /\.(jpg|jpeg|png|bmp|gif|tiff|webp)$/i.test(path);

/** Without a prompt there is nothing to show. */
function hasPrompts({ run }: VideoContext): readonly RunFinding[] {
  if (run.inference.prompts.length > 0) return [];
  return [
    {
      severity: "error",
      rule: "inference-has-prompts",
      path: ["inference", "prompts"],
      what: "inference has no prompt",
      got: "none",
      allowed: "1 to 100 prompts",
      remedy: "add inference.prompts, or remove inference from stages",
    },
  ];
}

/** The program takes prompts in batches and refuses a rest (inference_sora.py). */
function promptsFillBatches({ run }: VideoContext): readonly RunFinding[] {
  const { prompts, batch } = run.inference;
  if (prompts.length % batch.micro === 0) return [];
  const fitting = Array.from({ length: batch.micro }, (_, index) => index + 1).filter(
    (size) => prompts.length % size === 0,
  );
  return [
    {
      severity: "error",
      rule: "prompts-fill-batches",
      path: ["inference", "batch", "micro"],
      what: `${prompts.length} prompts do not divide into batches`,
      got: `${batch.micro}`,
      allowed: "a divisor of the number of prompts",
      nearest: fitting.slice(-2).reverse().map(String),
    },
  ];
}

/** Each prompt of image-to-video starts from something. */
function picturePerPrompt({ run }: VideoContext): readonly RunFinding[] {
  if (run.recipe === "opensoraplan1.3/t2v") return [];
  const { images, prompts } = run.inference;
  if (images.length === prompts.length) return [];
  return [
    {
      severity: "error",
      rule: "one-picture-a-prompt",
      path: ["inference", "images"],
      what: "each prompt needs one entry of images: an image, two images, or a video",
      got: `${images.length} for ${prompts.length} prompts`,
      allowed: `${prompts.length}`,
    },
  ];
}

/** Upstream knows files by their endings, and one field of its file says for all prompts what they start from. */
function picturesAreAlike({ run }: VideoContext): readonly RunFinding[] {
  const lists = conditions(run);
  const unknown = lists.flatMap((files, index): readonly RunFinding[] => {
    const isFitting = files.every(isImageFile) || (files.length === 1 && files.every(isVideoFile));
    if (isFitting) return [];
    return [
      {
        severity: "error",
        rule: "pictures-are-known",
        path: ["inference", "images", index],
        what: "a prompt starts from one image, from two images, or from one video",
        got: files.join(", "),
        allowed: ".jpg .jpeg .png .bmp .gif .tiff .webp, or .mp4 .avi .mov .mkv .flv .wmv .webm .mpeg .mpg .3gp",
      },
    ];
  });
  const kinds = [...new Set(lists.map(conditionOf))];
  if (unknown.length > 0 || kinds.length < 2) return unknown;
  const other = lists.findIndex((files) => conditionOf(files) !== kinds[0]);
  return [
    {
      severity: "error",
      rule: "pictures-are-alike",
      path: ["inference", "images", other],
      what: "all prompts of a run must start alike, because one field says so for all of them",
      got: kinds.join(" and "),
      allowed: "all of one image, all of two images, or all of one video",
      remedy: "make a run for each kind",
    },
  ];
}

/** The scheduler accepts some numbers of NPUs only. */
function npusAreLegal({ run, shape }: VideoContext): readonly RunFinding[] {
  const { npus } = run.inference;
  const legal = shape.legalNpusSinglePod;
  if (legal.includes(npus)) return [];
  const nearest = [...legal].sort((left, right) => Math.abs(left - npus) - Math.abs(right - npus)).slice(0, 2);
  return [
    {
      severity: "error",
      rule: "inference-npus-legal",
      path: ["inference", "npus"],
      what: `${shape.product} cannot give a pod this many NPUs`,
      got: `${npus}`,
      allowed: legal.join(", "),
      nearest: nearest.map(String),
    },
  ];
}

/** Every finding about inference and evaluation, as far as they are listed. */
export function inferenceProblems(context: VideoContext): readonly RunFinding[] {
  const { stages } = context.run;
  const isInferring = stages.includes("inference");
  if (!isInferring && !stages.includes("evaluate")) return [];
  return [
    ...npusAreLegal(context),
    ...inferenceLayoutProblems(context),
    ...(isInferring
      ? [hasPrompts, promptsFillBatches, picturePerPrompt, picturesAreAlike].flatMap((rule) => rule(context))
      : []),
  ];
}
