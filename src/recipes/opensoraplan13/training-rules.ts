/** Rules on training settings of OpenSoraPlan1.3 that are not about the parallel layout. Paths are relative to the run. */
import type { RunFinding } from "./rules.ts";
import type { AnySettings } from "./surface/runs.ts";

/** The scheduler never goes below the minimum, so it cannot start under it (MM validate_args_patch.py:516). */
export function learningRateAboveMinimum({ training }: AnySettings): RunFinding | undefined {
  if (training.minimumLearningRate <= training.learningRate) return undefined;
  return {
    severity: "error",
    rule: "learning-rate-above-minimum",
    path: ["training", "minimumLearningRate"],
    what: "the minimum learning rate is above the learning rate",
    got: `${training.minimumLearningRate}`,
    allowed: `at most ${training.learningRate}`,
    nearest: [`${training.learningRate}`],
  };
}

/** With upstream's defaults (every 10000 of 5000 iterations) the only checkpoint is written at the very end. */
export function savesBeforeTheEnd({ training, stages }: AnySettings): RunFinding | undefined {
  if (!stages.some((stage) => stage === "pretrain") || training.saveInterval < training.iterations) return undefined;
  return {
    severity: "warning",
    rule: "saves-before-the-end",
    path: ["training", "saveInterval"],
    what: "the first checkpoint is written at the end of the run; a failure before it loses everything",
    got: `every ${training.saveInterval} of ${training.iterations} iterations`,
    allowed: `below ${training.iterations} to save on the way`,
    nearest: [`${Math.max(1, Math.floor(training.iterations / 10))}`],
  };
}

/** Checkpoints are kept for good only where others are removed, and only if there are any of those iterations. */
export function keptCheckpointsAreSaved({ training }: AnySettings): RunFinding | undefined {
  const { keepEvery, keepLast, saveInterval } = training;
  if (keepEvery === undefined) return undefined;
  if (keepLast === undefined) {
    return {
      severity: "error",
      rule: "kept-checkpoints-are-saved",
      path: ["training", "keepEvery"],
      what: "every checkpoint is kept already, because keepLast is absent",
      got: `${keepEvery}`,
      allowed: "together with keepLast",
      remedy: "add training.keepLast, or remove keepEvery",
    };
  }
  if (keepEvery % saveInterval === 0) return undefined;
  return {
    severity: "error",
    rule: "kept-checkpoints-are-saved",
    path: ["training", "keepEvery"],
    what: "not every kept iteration is one that is saved",
    got: `${keepEvery}`,
    allowed: `a multiple of training.saveInterval ${saveInterval}`,
    nearest: [`${Math.max(1, Math.round(keepEvery / saveInterval)) * saveInterval}`],
  };
}

/** Every finding about a run's training settings. */
export function trainingProblems(run: AnySettings): readonly RunFinding[] {
  const rules = [learningRateAboveMinimum, savesBeforeTheEnd, keptCheckpointsAreSaved];
  return rules.flatMap((rule) => rule(run) ?? []);
}
