/** Judges the model with VBench, in an image of its own: VBench's dependencies conflict with those of training. */
import { posix } from "node:path";
import type { ParallelLayout } from "../../parallel/layout.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import { overrideFacts, results, vaeWeights } from "./artifacts.ts";
import { evaluationVariables } from "./environment-variables.ts";
import { generationFacts, inferenceLists, inferenceParts, inferencePaths, inferenceWeights } from "./inference.ts";
import { inferenceArguments } from "./inference-arguments.ts";
import { evaluationSection, inferenceFile } from "./inference-file.ts";
import { inferenceLayout } from "./layouts.ts";
import { datasetFiles, textEncoder } from "./sources.ts";
import { configurationFolder, json } from "./stage-parts.ts";
import type { VideoSettings } from "./surface/runs.ts";
import type { TaskContext } from "./task.ts";

/** Makes VBench's videos and judges them. */
export function evaluate(context: TaskContext<VideoSettings>, trained: ParallelLayout): StagePlan {
  const { run, task, environment } = context;
  const { generate, overrides, ...judged } = run.evaluation;
  const layout = inferenceLayout(context);
  const weights = inferenceWeights(context, trained);
  const vae = vaeWeights(context);
  const output = results(context, "evaluation", [`${task.name}_eval_results.json`, "eval_result.xlsx"], {
    ...generationFacts(context, weights),
    ...judged,
    ...overrideFacts(overrides),
  });
  const paths = inferencePaths(context, vae, posix.join(output.path, "videos"));
  const { dataset, weights: weightsVolume } = environment.storage;
  const below = (path: string): string => posix.join(dataset.mountPath, path);
  const images = "images" in judged ? judged.images : undefined;
  const model = posix.join(configurationFolder, `eval_${task.name}_model.json`);
  const section = evaluationSection(task, run.evaluation, {
    list: below(judged.list),
    folder: below(judged.folder),
    images: images === undefined ? undefined : below(images),
    result: output.path,
  });
  const vbench = datasetFiles(
    context,
    "VBench's prompts and pictures",
    [judged.list],
    "put them below the dataset volume, or set evaluation.list and evaluation.folder",
  );
  return {
    ...inferenceParts(context, layout),
    stage: "evaluate",
    image: "evaluation",
    program: ["evaluate_gen.py", ...inferenceArguments(layout, { model, load: weights.path }, judged.timeoutMinutes)],
    environment: {
      ...evaluationVariables(posix.join(weightsVolume.mountPath, judged.cache)),
      ...run.environmentVariables,
    },
    files: {
      [model]: json({ ...inferenceFile(task, run.inference, paths, "i2v"), eval_config: section }),
      ...inferenceLists(context, paths),
    },
    inputs: [vae, weights, textEncoder(context), vbench],
    outputs: [output],
  };
}
