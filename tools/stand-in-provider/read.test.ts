import { describe, expect, it } from "vitest";
import { inputsOfLive } from "./checkpoint.ts";
import type { Json } from "./json.ts";
import { prune } from "./read.ts";

describe("the live values of what the inputs named", () => {
  it.each<{ name: string; live: Json; inputs: Json; expected: Json }>([
    { name: "the server's defaults are left out", live: { a: 1, default: 2 }, inputs: { a: 1 }, expected: { a: 1 } },
    { name: "drift shows", live: { a: 2 }, inputs: { a: 1 }, expected: { a: 2 } },
    { name: "what is gone is gone", live: {}, inputs: { a: 1 }, expected: {} },
    {
      name: "items keep their place",
      live: [{ a: 1, default: 2 }, { a: 3 }],
      inputs: [{ a: 1 }],
      expected: [{ a: 1 }, { a: 3 }],
    },
    {
      name: "a quantity keeps its spelling",
      live: { limits: { cpu: "1" } },
      inputs: { limits: { cpu: "1000m" } },
      expected: { limits: { cpu: "1000m" } },
    },
    {
      name: "a changed quantity does not",
      live: { limits: { cpu: "2" } },
      inputs: { limits: { cpu: "1000m" } },
      expected: { limits: { cpu: "2" } },
    },
    {
      name: "elsewhere a spelling is a value",
      live: { value: "1" },
      inputs: { value: "1000m" },
      expected: { value: "1" },
    },
  ])("$name", ({ live, inputs, expected }) => {
    expect(prune(live, inputs)).toEqual(expected);
  });
});

it("makes inputs for an import from everything that is not the server's own", () => {
  const annotations = { "deployment.kubernetes.io/revision": "3", own: "x" };
  const live = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a", uid: "1", generation: 2, annotations },
    spec: { replicas: 1 },
    status: { replicas: 1 },
  };
  expect(inputsOfLive(live)).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a", annotations: { own: "x" } },
    spec: { replicas: 1 },
  });
});
