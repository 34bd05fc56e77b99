/** Progress as people read it: a bar, numbers, and the time that is left. */
import type { Progress } from "./progress.ts";

const two = (value: number): string => String(value).padStart(2, "0");

/** A duration, as `1h02m`, `3m05s` or `4s`. */
export function secondsText(duration: number): string {
  const seconds = Math.max(0, Math.round(duration));
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s` : `${seconds}s`;
}

/** How long a stage has been running; empty before it has started. */
export function durationText(startedAt: string | undefined, endedAt: string | undefined, now: Date): string {
  if (startedAt === undefined) return "";
  const end = endedAt === undefined ? now : new Date(endedAt);
  return secondsText((end.getTime() - new Date(startedAt).getTime()) / 1000);
}

const shareOf = ({ iteration, iterations }: Progress): number =>
  iterations === 0 ? 0 : Math.min(1, iteration / iterations);

/** Progress as text, e.g. `1200/5000 (24%), 1225 ms a step, 3.27 samples/s, loss 1.2E-01, 1h17m left`. */
export function progressText(progress: Progress): string {
  const { iteration, iterations, stepMilliseconds, samplesPerSecond, loss, secondsLeft, isSimulated } = progress;
  return [
    `${iteration}/${iterations} (${Math.floor(100 * shareOf(progress))}%)`,
    ...(stepMilliseconds === undefined ? [] : [`${stepMilliseconds} ms a step`]),
    ...(samplesPerSecond === undefined ? [] : [`${samplesPerSecond.toPrecision(3)} samples/s`]),
    ...(loss === undefined ? [] : [`loss ${loss}`]),
    ...(secondsLeft === undefined ? [] : [`${secondsText(secondsLeft)} left`]),
    ...(isSimulated === true ? ["simulated"] : []),
  ].join(", ");
}

const shortestBar = 8;
const longestBar = 40;
const frame = 3;

/**
 * A bar in front of the text of a progress, in a line of at most `width` characters where both fit; else the text alone.
 *
 * @param width columns of the terminal; a pipe has none, and gets a bar of usual length
 */
export function progressLine(progress: Progress, width = 120): string {
  const text = progressText(progress);
  const inner = Math.min(longestBar, width - text.length - frame);
  if (inner < shortestBar) return text;
  const filled = Math.floor(inner * shareOf(progress));
  return `[${"#".repeat(filled)}${".".repeat(inner - filled)}] ${text}`;
}
