/** Progress of a training from its own log: the iteration line that Megatron prints on the last rank. */

/** Where a training is. */
export interface Progress {
  readonly iteration: number;
  readonly iterations: number;
  /** Duration of the last step, in milliseconds. */
  readonly stepMilliseconds?: number;
  readonly loss?: string;
}

const iterationPattern = /iteration\s+(\d+)\/\s*(\d+)/;
const stepPattern = /elapsed time per iteration \(ms\): ([0-9.]+)/;
const lossPattern = /\| loss: ([-+0-9.eE]+)/;

/**
 * The newest progress in a log.
 *
 * Source of the line's form: mindspeed_mm/training.py:1003-1062 of MindSpeed-MM v26.0.0.
 */
export function progressOf(log: string): Progress | undefined {
  const line = log.split("\n").findLast((candidate) => iterationPattern.test(candidate));
  const counts = line?.match(iterationPattern);
  if (line === undefined || counts === null || counts === undefined) return undefined;
  const step = line.match(stepPattern)?.[1];
  const loss = line.match(lossPattern)?.[1];
  return {
    iteration: Number(counts[1]),
    iterations: Number(counts[2]),
    ...(step === undefined ? {} : { stepMilliseconds: Number(step) }),
    ...(loss === undefined ? {} : { loss }),
  };
}

/** Progress as text, e.g. `1200/5000 (24%), 1225 ms a step, loss 1.2E-01`. */
export function progressText(progress: Progress): string {
  const percent = progress.iterations === 0 ? 0 : Math.floor((100 * progress.iteration) / progress.iterations);
  return [
    `${progress.iteration}/${progress.iterations} (${percent}%)`,
    ...(progress.stepMilliseconds === undefined ? [] : [`${progress.stepMilliseconds} ms a step`]),
    ...(progress.loss === undefined ? [] : [`loss ${progress.loss}`]),
  ].join(", ");
}
