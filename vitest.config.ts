import { defineConfig } from "vitest/config";
import { SummaryReporter } from "./tests/summary-reporter.ts";

const endToEnd = "**/*.e2e.test.ts";
const ignored = ["**/node_modules/**"];

export default defineConfig({
  test: {
    reporters: ["default", new SummaryReporter()],
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...ignored, endToEnd],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "end-to-end",
          include: [endToEnd],
          exclude: ignored,
          sequence: { groupOrder: 1 },
          // The machine has two cores and each file starts a whole control plane.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
