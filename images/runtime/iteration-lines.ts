/** Iteration lines as MindSpeed-MM v26.0.0 prints them (mindspeed_mm/training.py:1003-1062), for tests. */

/** What a test wants a line to say. */
export interface Line {
  readonly iteration: number;
  readonly target?: number;
  readonly milliseconds?: number;
  readonly batch?: number;
  /** As upstream prints it; none when the loss is not a number, for upstream prints only those of at least 0. */
  readonly loss?: string;
  readonly skipped?: number;
  readonly notANumber?: number;
}

/** One line, without its end. */
export function iterationLine(line: Line): string {
  const { iteration, target = 10, milliseconds = 500, batch = 8, loss, skipped = 0, notANumber = 0 } = line;
  return [
    ` [2026-01-01 00:00:0${iteration % 10}] iteration ${String(iteration).padStart(8)}/${String(target).padStart(8)}`,
    `consumed samples: ${String(iteration * batch).padStart(12)}`,
    `elapsed time per iteration (ms): ${milliseconds.toFixed(1)}`,
    "learning rate: 1.000000E-05",
    `global batch size: ${String(batch).padStart(5)}`,
    ...(loss === undefined ? [] : [`loss: ${loss}`]),
    "loss scale: 1.0",
    "grad norm: 0.312",
    `number of skipped iterations: ${String(skipped).padStart(3)}`,
    `number of nan iterations: ${String(notANumber).padStart(3)} |`,
  ].join(" | ");
}
