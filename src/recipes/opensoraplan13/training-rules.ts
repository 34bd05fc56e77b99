/** Rules on training settings of OpenSoraPlan1.3 that are not about the parallel layout. Paths are relative to the run. */
import type { Diagnostic } from "../../config/diagnostics.ts";
import type { TextToVideoSettings } from "./surface.ts";

/** A rule's finding; `path` is relative to the run. */
type TrainingProblem = Omit<Diagnostic, "path"> & { readonly path: readonly string[] };

/** The scheduler never goes below the minimum, so it cannot start under it (MM validate_args_patch.py:516). */
export function learningRateAboveMinimum({ training }: TextToVideoSettings): TrainingProblem | undefined {
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

/** Tensor and context parallelism need one device connection (MM validate_args_patch.py:598). */
export function singleDeviceConnection({
  parallel,
  environmentVariables,
}: TextToVideoSettings): TrainingProblem | undefined {
  const given = environmentVariables.CUDA_DEVICE_MAX_CONNECTIONS;
  if (given === undefined || given === "1" || (parallel.tensor === 1 && parallel.context === 1)) return undefined;
  return {
    severity: "error",
    rule: "single-device-connection",
    path: ["environmentVariables", "CUDA_DEVICE_MAX_CONNECTIONS"],
    what: "tensor or context parallelism starts only with one device connection",
    got: given,
    allowed: "1",
    nearest: ["1"],
  };
}

/** With upstream's defaults (every 10000 of 5000 iterations) the only checkpoint is written at the very end. */
export function savesBeforeTheEnd({ training }: TextToVideoSettings): TrainingProblem | undefined {
  if (training.saveInterval < training.iterations) return undefined;
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

/** Every finding about a run's training settings. */
export function trainingProblems(run: TextToVideoSettings): readonly TrainingProblem[] {
  return [learningRateAboveMinimum, singleDeviceConnection, savesBeforeTheEnd].flatMap((rule) => rule(run) ?? []);
}
