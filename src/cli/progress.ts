/** Progress of a training from its own log: the iteration line that Megatron prints on the last rank. */

/** Where a training is. */
export interface Progress {
  readonly iteration: number;
  readonly iterations: number;
  /** Duration of the last step, in milliseconds. */
  readonly stepMilliseconds?: number;
  /** Samples of a step over its duration. */
  readonly samplesPerSecond?: number;
  readonly loss?: string;
  /** Seconds to the last iteration at the usual pace of the newest steps; absent unless the training runs. */
  readonly secondsLeft?: number;
  /** Whether the lines are those of a virtual cluster, where no training runs. */
  readonly isSimulated?: true;
}

const iterationPattern = /iteration\s+(\d+)\/\s*(\d+)/;
const stepPattern = /elapsed time per iteration \(ms\): ([0-9.]+)/;
const lossPattern = /\| loss: ([-+0-9.eE]+|nan|inf)(?=[\s|])/i;
const simulated = "[simulated]";

/** Upstream prints a loss only when it is at least 0; a line to its end without one, and without a skipped step, hides a NaN. */
const hidesLoss = (line: string): boolean =>
  /number of skipped iterations:\s+0\s*\|/.test(line) || /number of nan iterations:\s+[1-9]/.test(line);

const median = (values: readonly number[]): number | undefined =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)];

const stepOf = (line: string): number | undefined => {
  const milliseconds = Number(line.match(stepPattern)?.[1]);
  return milliseconds > 0 ? milliseconds : undefined;
};

/**
 * The newest progress in a log.
 *
 * Source of the line's form: mindspeed_mm/training.py:1003-1062 of MindSpeed-MM v26.0.0.
 *
 * @param globalBatch samples of a step, from the plan; without it nothing is said of samples a second
 */
export function progressOf(log: string, globalBatch?: number): Progress | undefined {
  const lines = log.split("\n").filter((candidate) => iterationPattern.test(candidate));
  const line = lines.at(-1);
  const counts = line?.match(iterationPattern);
  if (line === undefined || counts === null || counts === undefined) return undefined;
  const [iteration, iterations] = [Number(counts[1]), Number(counts[2])];
  const step = stepOf(line);
  const pace = median(lines.flatMap((candidate) => stepOf(candidate) ?? []));
  const loss = line.match(lossPattern)?.[1] ?? (hidesLoss(line) ? "NaN" : undefined);
  return {
    iteration,
    iterations,
    ...(step === undefined ? {} : { stepMilliseconds: step }),
    ...(step === undefined || globalBatch === undefined ? {} : { samplesPerSecond: (globalBatch * 1000) / step }),
    ...(loss === undefined ? {} : { loss }),
    ...(pace === undefined ? {} : { secondsLeft: (Math.max(0, iterations - iteration) * pace) / 1000 }),
    ...(line.includes(simulated) ? { isSimulated: true } : {}),
  };
}
