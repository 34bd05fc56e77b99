import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./tests/summary-reporter.ts";

const endToEnd = "**/*.e2e.test.ts";
const ignored = ["**/node_modules/**"];

// The in-pod runtime as real processes, topic by topic; `runtime.test.ts` has the core of it and belongs to the fast part.
const runtimeTopics = "images/runtime/*.test.ts";
const runtimeCore = "images/runtime/runtime.test.ts";

// Many tests start processes and wait for them: three files at a time keep two cores busy.
const together = { testTimeout: 20_000, maxWorkers: 3 };

export default defineConfig({
  test: {
    reporters: ["default", new SummaryReporter()],
    projects: [
      {
        test: {
          ...together,
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...ignored, endToEnd, "images/runtime/!(runtime).test.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...together,
          name: "runtime",
          include: [runtimeTopics],
          exclude: [...ignored, endToEnd, runtimeCore],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "end-to-end",
          include: [endToEnd],
          exclude: ignored,
          sequence: { groupOrder: 2 },
          // The machine has two cores and each file starts a whole control plane.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
