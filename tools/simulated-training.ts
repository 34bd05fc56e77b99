/** The log of a training that never ran: simulated pods print nothing, and `ascend status` has to have something to read. */

/** Step time that the lines show, in milliseconds; the mean of upstream's own short test. */
const stepMilliseconds = 1225;

const lastLines = 20;

/**
 * The last iteration lines of a finished training, in the form of MindSpeed-MM (mindspeed_mm/training.py:1003-1062). The first line
 * says that they are simulated.
 *
 * @param iterations number of the last iteration
 * @param globalBatch samples a step
 * @param logInterval steps between lines
 */
export function simulatedTrainingLog(iterations: number, globalBatch: number, logInterval: number): readonly string[] {
  const last = Math.floor(iterations / logInterval);
  const first = Math.max(1, last - lastLines + 1);
  const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const iteration = (first + index) * logInterval;
    return ` [simulated] iteration ${String(iteration).padStart(8)}/${String(iterations).padStart(8)} | consumed samples: ${iteration * globalBatch} | elapsed time per iteration (ms): ${stepMilliseconds.toFixed(1)} | global batch size: ${globalBatch} |`;
  });
  return ["simulated log of a virtual cluster: no training has run", ...lines];
}
