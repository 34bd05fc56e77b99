/** Filters annotations to the clips that a training or an extraction can use. */
import { posix } from "node:path";
import type { Artifact, StagePlan } from "../../stages/stage-plan.ts";
import { minimumArea, type PictureSize } from "./facts.ts";
import { datasetSource } from "./sources.ts";
import { processorStage } from "./stage-parts.ts";
import type { AnySettings } from "./surface/runs.ts";
import type { TaskContext } from "./task.ts";

const sizeArguments = (size: PictureSize): readonly string[] =>
  size.kind === "area"
    ? ["--maximum-area", String(size.maximum), "--minimum-area", String(minimumArea(size))]
    : ["--height", String(size.height), "--width", String(size.width)];

/** Fields of the data file that decide which clips the trainer takes, and the option of the check that says the same. */
const filterOptions = {
  speed_factor: "--speed-factor",
  drop_short_ratio: "--drop-short-ratio",
  hw_stride: "--stride",
  hw_aspect_thr: "--aspect-limit",
} as const;

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What the user overrides in the data file must hold for the check too. */
function overriddenFilters(run: AnySettings): readonly string[] {
  const dataset = run.overrides.data.dataset_param;
  const fields = isMap(dataset) ? dataset.preprocess_parameters : undefined;
  if (!isMap(fields)) return [];
  return Object.entries(filterOptions).flatMap(([field, option]) =>
    typeof fields[field] === "number" ? [option, String(fields[field])] : [],
  );
}

/**
 * The stage that writes the list which the data file names.
 *
 * @param needs context parallel size that clips must divide into, and global batch of which each size of clips needs several
 */
export function prepareDataset(
  context: TaskContext,
  output: Artifact,
  needs: { readonly context: number; readonly globalBatch: number },
): StagePlan {
  const { environment, run, task } = context;
  const { clip } = task;
  const dynamic = run.parallel.dynamicContext;
  const mount = environment.storage.dataset.mountPath;
  return processorStage(context, run.datasetPreparation, {
    stage: "prepareDataset",
    program: [
      "python3",
      environment.image.runtimeFolder,
      "prepare-dataset",
      ...["--data-folder", posix.join(mount, run.dataset.folder)],
      ...run.dataset.annotations.flatMap((annotation) => ["--annotation", posix.join(mount, annotation)]),
      ...["--output", output.path],
      ...["--frames", String(clip.frames), "--minimum-frames", String(clip.minimumFrames)],
      ...["--context-parallel", String(needs.context), "--global-batch-size", String(needs.globalBatch)],
      ...(dynamic === undefined ? [] : ["--dynamic-context", String(dynamic.maximumContext)]),
      ...["--resolution", clip.size.kind === "area" ? "dynamic" : "static"],
      ...sizeArguments(clip.size),
      ...["--train-fps", String(clip.framesPerSecond)],
      ...overriddenFilters(run),
    ],
    inputs: [datasetSource(context)],
    outputs: [output],
    volumes: ["dataset", "checkpoints"],
  });
}
