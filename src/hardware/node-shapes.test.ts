import { describe, expect, it } from "vitest";
import { type NodeShapeName, nodeShapeOf, nodeShapes } from "./node-shapes.ts";
import { resourcePresetOf } from "./resource-presets.ts";
import { isSchedulePolicy, isSuperPodPolicy, schedulePolicies } from "./schedule-policies.ts";

const names = Object.keys(nodeShapes) as NodeShapeName[];

describe.each(names)("%s", (name) => {
  const shape = nodeShapeOf(name);

  it("takes whole nodes, and no more", () => {
    for (const counts of [shape.legalNpusSinglePod, shape.legalNpusMultiPod]) {
      expect(counts).toContain(shape.npusPerNode);
      expect(Math.max(...counts)).toBe(shape.npusPerNode);
    }
  });

  it("has a policy for nodes of its size", () => {
    expect(isSchedulePolicy(shape.schedulePolicy)).toBe(true);
    expect(schedulePolicies[shape.schedulePolicy]).toBe(shape.npusPerNode);
  });

  it("says how large a super pod is exactly when it is placed in one", () => {
    expect(shape.superPodNodes !== undefined).toBe(isSuperPodPolicy(shape.schedulePolicy));
  });

  it("labels its architecture alike in both places, and leaves room for the platform", () => {
    expect(shape.nodeLabels["host-arch"]).toBe(shape.architecture === "arm64" ? "huawei-arm" : "huawei-x86");
    expect(shape.trainingProcessorCores).toBeLessThanOrEqual(shape.processorCores - shape.reservedProcessorCores);
    expect(shape.trainingMemoryGiB).toBeLessThanOrEqual(shape.memoryGiB - shape.reservedMemoryGiB);
  });
});

it.each([
  ["atlas-800t-a2", [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8], "module-910b-8"],
  [
    "atlas-200t-a2-box16",
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16],
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16],
    "module-910b-16",
  ],
  ["atlas-800t-a3", [1, 2, 4, 6, 8, 10, 12, 14, 16], [2, 4, 6, 8, 10, 12, 14, 16], "module-a3-16"],
  ["atlas-900-a3-superpod", [1, 2, 4, 6, 8, 10, 12, 14, 16], [16], "module-a3-16-super-pod"],
] as const)("%s takes the documented counts", (name, single, multi, label) => {
  const shape = nodeShapeOf(name);
  expect(shape.legalNpusSinglePod).toEqual(single);
  expect(shape.legalNpusMultiPod).toEqual(multi);
  expect(shape.nodeLabels["accelerator-type"]).toBe(label);
});

it("resources are named by who publishes them", () => {
  const resource = (preset: "mindcluster" | "cce" | "hami", name: NodeShapeName): string =>
    resourcePresetOf(preset).resourceName(nodeShapeOf(name));
  expect(resource("mindcluster", "atlas-900-a3-superpod")).toBe("huawei.com/Ascend910");
  expect(resource("cce", "atlas-800t-a2")).toBe("huawei.com/ascend-1980");
  expect(resource("hami", "atlas-800t-a2")).toBe("huawei.com/Ascend910B3");
  expect(resource("hami", "atlas-800t-a3")).toBe("huawei.com/Ascend910C");
});
