/** Wan2.1 text-to-video with 1.3 billion parameters: the recipe `wan2.1/t2v-1.3b`. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { Overridden } from "../../overrides/arguments.ts";
import { overrideProgram } from "../../overrides/program.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { Recipe, RunPlan } from "../recipe.ts";
import { type Context, preparedDataset } from "./artifacts.ts";
import { recipeName } from "./facts.ts";
import { extractionLayout, trainingLayout } from "./layouts.ts";
import { extractionRules, trainingRules } from "./overrides.ts";
import { runProblems } from "./rules.ts";
import { convertDit, extractFeatures, prepareDataset, pretrain } from "./stages.ts";
import { type TextToVideoSettings, textToVideoSchema } from "./surface.ts";

const isError = ({ severity }: Diagnostic): boolean => severity === "error";

/** Problems with overrides, with their path from the run down. */
const below = (prefix: readonly string[], { value, problems }: Overridden<StagePlan>): Overridden<StagePlan> => ({
  value,
  problems: problems.map((problem) => ({ ...problem, path: [...prefix, ...problem.path] })),
});

const untouched = (value: StagePlan): Overridden<StagePlan> => ({ value, problems: [] });

function stagesOf(context: Context): readonly Overridden<StagePlan>[] {
  const { run } = context;
  const layout = trainingLayout(context);
  const extraction = extractionLayout(context);
  // Each size of clips must fill steps of the extraction and of the training.
  const globalBatch = Math.max(layout.globalBatch, extraction.globalBatch);
  const dataset = preparedDataset(context, globalBatch);
  const builders: Readonly<Record<TextToVideoSettings["stages"][number], () => Overridden<StagePlan>>> = {
    convertDit: () => untouched(convertDit(context)),
    prepareDataset: () => untouched(prepareDataset(context, dataset, globalBatch)),
    extractFeatures: () => {
      const stage = extractFeatures(context, extraction, dataset);
      const { overrides } = run.extraction;
      return below(["extraction", "overrides"], overrideProgram(stage, overrides, extractionRules));
    },
    pretrain: () => below(["overrides"], overrideProgram(pretrain(context, layout), run.overrides, trainingRules)),
  };
  const listed: readonly string[] = run.stages;
  return Object.entries(builders)
    .filter(([name]) => listed.includes(name))
    .map(([, build]) => build());
}

/** Plans one run. Its stages are missing when anything is wrong with it. */
function plan(context: Context): RunPlan {
  const inRun = (found: Diagnostic): Diagnostic => ({ ...found, path: ["runs", context.runName, ...found.path] });
  const layout = trainingLayout(context);
  const diagnostics = runProblems(context).map(inRun);
  if (diagnostics.some(isError)) return { layout, stages: [], diagnostics };
  const planned = stagesOf(context);
  const all = [...diagnostics, ...planned.flatMap(({ problems }) => problems).map(inRun)];
  return { layout, stages: all.some(isError) ? [] : planned.map(({ value }) => value), diagnostics: all };
}

/** Text-to-video of upstream's folder examples/wan2.1 in its form with FSDP2. */
export const wan21TextToVideo: Recipe<TextToVideoSettings> = {
  name: recipeName,
  settings: textToVideoSchema,
  plan,
};
