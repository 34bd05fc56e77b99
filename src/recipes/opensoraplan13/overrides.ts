/** Applies the user's overrides by upstream's names to a planned stage: its arguments, and the files that these name. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import { overrideArguments } from "../../overrides/arguments.ts";
import { type FieldRules, type Fields, overrideFields } from "../../overrides/fields.ts";
import { type Owned, ownedOptions } from "../../overrides/owned-options.ts";
import type { Overrides } from "../../overrides/surface.ts";
import type { StagePlan } from "../../stages/stage-plan.ts";
import { dataRules, inferenceModelRules, toolRules, trainingModelRules } from "./owned-fields.ts";
import type { RunFinding } from "./rules.ts";
import { json } from "./stage-parts.ts";
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

/** Path of the file that follows an option of the program. */
function fileOf({ program }: StagePlan, option: string): string | undefined {
  const place = program.indexOf(option);
  return place === -1 ? undefined : program[place + 1];
}

/** The stage with the user's overrides, and what is wrong with them. */
export function withOverrides(
  run: AnySettings,
  stage: StagePlan,
): { readonly stage: StagePlan; readonly findings: readonly RunFinding[] } {
  const target = targetOf(run, stage.stage);
  if (target === undefined) return { stage, findings: [] };
  const findings: RunFinding[] = [];
  const report = (section: string, problems: readonly Diagnostic[]): void => {
    for (const problem of problems) {
      const path = [...target.path, section, ...problem.path];
      findings.push({ ...problem, rule: problem.rule ?? "override", path });
    }
  };
  const [name = "", ...words] = stage.program;
  const changed = overrideArguments(words, target.overrides.arguments, target.owned);
  report("arguments", changed.problems);
  const files = { ...stage.files };
  const parts = [
    ["model", "--mm-model", target.model],
    ["data", "--mm-data", dataRules],
    ["tools", "--mm-tool", toolRules],
  ] as const;
  for (const [section, option, rules] of parts) {
    const overrides = target.overrides[section] ?? {};
    const path = fileOf(stage, option);
    if (path === undefined || Object.keys(overrides).length === 0) continue;
    // The plan wrote this file itself, as an object.
    const document = JSON.parse(files[path] ?? "{}") as Fields;
    const result = overrideFields(document, overrides, rules);
    report(section, result.problems);
    files[path] = json(result.value);
  }
  return { stage: { ...stage, program: [name, ...changed.value], files }, findings };
}
