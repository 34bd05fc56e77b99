import { describe, expect, it } from "vitest";
import { iterationLine } from "../../images/runtime/iteration-lines.ts";
import { type Progress, progressOf } from "./progress.ts";
import { progressLine, progressText, secondsText } from "./progress-text.ts";

describe("progress from a log", () => {
  it("is that of the newest iteration line, with samples a second from the plan's batch and the time that is left", () => {
    const log = [
      "loading",
      iterationLine({ iteration: 118, target: 5000, milliseconds: 13_960, loss: "9.0E-01" }),
      iterationLine({ iteration: 119, target: 5000, milliseconds: 1000, loss: "2.0E-01" }),
      iterationLine({ iteration: 120, target: 5000, milliseconds: 1250, loss: "1.250000E-01" }),
      "saving checkpoint",
    ].join("\n");
    expect(progressOf(log, 8)).toEqual({
      iteration: 120,
      iterations: 5000,
      stepMilliseconds: 1250,
      samplesPerSecond: 6.4,
      loss: "1.250000E-01",
      // The usual step counts, not the slow first one nor the last by chance.
      secondsLeft: 4880 * 1.25,
    });
    expect(progressOf(log)).not.toHaveProperty("samplesPerSecond");
    expect(progressOf("no iteration yet", 8)).toBeUndefined();
  });

  it.each([
    ["hidden by upstream", iterationLine({ iteration: 3 }), "NaN"],
    ["not a number in a skipped step", iterationLine({ iteration: 3, skipped: 1, notANumber: 1 }), "NaN"],
    ["infinite", iterationLine({ iteration: 3, loss: "INF" }), "INF"],
    ["unknown after a skipped step", iterationLine({ iteration: 3, skipped: 1 }), undefined],
  ])("shows a loss that is %s", (_, line, loss) => {
    expect(progressOf(`${line}\n`)?.loss).toBe(loss);
  });

  it("says when no training runs behind it", () => {
    const line = " [simulated] iteration 20/ 20 | elapsed time per iteration (ms): 1225.0 | global batch size: 4 |";
    const found = progressOf(line, 4);
    expect(found?.isSimulated).toBe(true);
    expect(found === undefined ? "" : progressText(found)).toMatch(/simulated$/);
  });
});

describe("progress in words", () => {
  const whole: Progress = {
    iteration: 1200,
    iterations: 5000,
    stepMilliseconds: 1225,
    samplesPerSecond: 6.5306,
    loss: "1.2E-01",
    secondsLeft: 4655,
  };
  const text = "1200/5000 (24%), 1225 ms a step, 6.53 samples/s, loss 1.2E-01, 1h17m left";

  it("has what is known and nothing else", () => {
    expect(progressText(whole)).toBe(text);
    expect(progressText({ iteration: 0, iterations: 0 })).toBe("0/0 (0%)");
  });

  it.each([
    [4, "4s"],
    [59.6, "1m00s"],
    [3599, "59m59s"],
    [4655, "1h17m"],
    [-3, "0s"],
  ])("%d seconds are %s", (seconds, expected) => expect(secondsText(seconds)).toBe(expected));

  it("has a bar in front of it that fills the line and shows the share", () => {
    const line = progressLine(whole, text.length + 3 + 25);
    expect(line).toBe(`[${"#".repeat(6)}${".".repeat(19)}] ${text}`);
    expect(progressLine({ iteration: 0, iterations: 10 }, 30)).toMatch(/^\[\.+\] 0\/10 \(0%\)$/);
    expect(progressLine({ iteration: 10, iterations: 10 }, 30)).toMatch(/^\[#+\] 10\/10 \(100%\)$/);
    expect(progressLine({ iteration: 99, iterations: 10 }, 34)).toMatch(/^\[#+\] 99\/10 \(100%\)$/);
  });

  it("never is wider than the terminal for the bar's sake, and has none where it would be a stub", () => {
    for (let width = 0; width < 200; width += 1) {
      const line = progressLine(whole, width);
      expect(line.length).toBeLessThanOrEqual(Math.max(width, text.length));
      expect(line.startsWith("[")).toBe(width >= text.length + 3 + 8);
    }
  });
});
