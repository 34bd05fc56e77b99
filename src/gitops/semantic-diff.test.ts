import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Environment } from "../config/schema.ts";
import { planEnvironment } from "../pipeline/pipeline.ts";
import { plannedObjects } from "../planned-objects.ts";
import { planStack } from "../stack.ts";
import { type ComparedPlan, changeText, semanticChanges } from "./semantic-diff.ts";

const projectFolder = join(import.meta.dirname, "..", "..");
const before = planStack(projectFolder, "local-2x8");
const { environment } = before.plan;
const runName = "t2v-93x480p";

/** The same stack with changed settings. */
function changed(run: Readonly<Record<string, unknown>>, own: Partial<Environment> = {}): ComparedPlan {
  const settings = environment.runs[runName];
  if (settings === undefined) throw new Error("the stack lost its run");
  const plan = planEnvironment({
    ...environment,
    cluster: { ...environment.cluster, nodes: 64 },
    runs: { [runName]: { ...settings, ...run } },
    ...own,
  });
  expect(plan.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return { plan, objects: plannedObjects("local-2x8", plan) };
}

const words = (after: ComparedPlan): readonly string[] =>
  semanticChanges(before, after).map((change) => `${change.scope}: ${changeText(change)}`);

describe("the differences of two plans", () => {
  it("are none between equal plans", () => expect(semanticChanges(before, changed({}))).toEqual([]));

  it("speak of nodes and batches, and tell neither twice", () => {
    const told = words(changed({ nodes: 4 }));
    expect(told).toEqual(
      expect.arrayContaining([
        `run ${runName}: nodes 2 → 4`,
        `run ${runName}: data parallel 4 → 8`,
        `run ${runName}: global batch 4 → 8`,
        `objects: Job ${runName}-pretrain: changed`,
      ]),
    );
    expect(told.filter((line) => line.includes("--global-batch-size"))).toEqual([]);
  });

  it("name options, variables and fields of files", () => {
    const training = { ...(environment.runs[runName] as unknown as { training: object }).training, learningRate: 2e-5 };
    const told = words(
      changed({ training, resolution: "static", environmentVariables: { HCCL_CONNECT_TIMEOUT: "1800" } }),
    );
    expect(told).toEqual(
      expect.arrayContaining([
        `run ${runName}, stage pretrain: --lr 1e-5 → 2e-5`,
        `run ${runName}, stage pretrain: HCCL_CONNECT_TIMEOUT 1200 → 1800`,
      ]),
    );
    expect(told.join("\n")).toMatch(/data_static_resolution\.json: dataset_param\.preprocess_parameters\.max_height/);
  });

  it("tell what is new and what is gone", () => {
    const settings = environment.runs[runName];
    const renamed = changed({}, { runs: settings === undefined ? {} : { second: settings } });
    const told = words(renamed);
    expect(told).toContain(`run ${runName}: run: gone`);
    expect(told).toContain("run second: run: new");
    expect(told).toContain(`objects: Job ${runName}-pretrain: gone`);
    expect(told).toContain("objects: Job second-pretrain: new");
  });

  it("show a changed image", () => {
    const image = { ...environment.image, pullPolicy: "Always" as const };
    expect(words(changed({}, { image })).join("\n")).toMatch(/environment: image .*IfNotPresent.* → .*Always/);
  });
});
