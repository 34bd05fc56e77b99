/** Applies the user's overrides by upstream's names to a planned stage: its arguments, and the files that these name. */
import type { FieldRules } from "../../overrides/fields.ts";
import { type Owned, ownedOptions } from "../../overrides/owned-options.ts";
import { overrideProgram } from "../../overrides/program.ts";
import type { Overrides } from "../../overrides/surface.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import type { RunFinding } from "../mindspeed-mm/finding.ts";
import { dataRules, inferenceModelRules, toolRules, trainingModelRules } from "./owned-fields.ts";
import type { AnySettings } from "./surface/runs.ts";

/** Overrides of one stage: of the arguments, and of the files as far as the stage has them. */
type StageOverrides = Pick<Overrides, "arguments" | "model"> & Partial<Overrides>;

interface Target {
  readonly overrides: StageOverrides;
  /** Setting that holds them, below the run. */
  readonly path: readonly string[];
  readonly model: FieldRules;
  readonly owned: Readonly<Record<string, Owned>>;
}

const inferenceOwned: Readonly<Record<string, Owned>> = {
  ...ownedOptions,
  "tensor-model-parallel-size": { setting: "inference.parallel.tensor", reason: "it follows from the inference" },
  "context-parallel-size": { setting: "inference.parallel.context", reason: "it follows from the inference" },
  "micro-batch-size": { setting: "inference.batch.micro", reason: "it follows from the inference" },
  "distributed-timeout-minutes": { setting: "inference.timeoutMinutes", reason: "it follows from the inference" },
};

/** What the user overrides in a stage, if anything. */
function targetOf(run: AnySettings, stage: string): Target | undefined {
  const training = { model: trainingModelRules, owned: ownedOptions };
  if (stage === "pretrain") return { overrides: run.overrides, path: ["overrides"], ...training };
  if (run.recipe === "opensoraplan1.3/t2v-features") {
    return stage === "extractFeatures"
      ? { overrides: run.extraction.overrides, path: ["extraction", "overrides"], ...training }
      : undefined;
  }
  const generation = { model: inferenceModelRules, owned: inferenceOwned };
  if (stage === "inference") {
    return { overrides: run.inference.overrides, path: ["inference", "overrides"], ...generation };
  }
  return stage === "evaluate"
    ? { overrides: run.evaluation.overrides, path: ["evaluation", "overrides"], ...generation }
    : undefined;
}

/** The stage with the user's overrides, and what is wrong with them. */
export function withOverrides(
  run: AnySettings,
  stage: StagePlan,
): { readonly stage: StagePlan; readonly findings: readonly RunFinding[] } {
  const target = targetOf(run, stage.stage);
  if (target === undefined) return { stage, findings: [] };
  const overrides = { data: {}, tools: {}, ...target.overrides };
  const rules = { options: target.owned, model: target.model, data: dataRules, tools: toolRules };
  const { value, problems } = overrideProgram(stage, overrides, rules);
  const findings = problems.map((problem) => ({
    ...problem,
    rule: problem.rule ?? "override",
    path: [...target.path, ...problem.path],
  }));
  return { stage: value, findings };
}
