import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planStack } from "../stack.ts";
import { resourceToken } from "../workloads/register.ts";
import { type StateResource, stateResources } from "./engine-state.ts";
import { planChanges } from "./plan-diff.ts";

const stack = planStack(join(import.meta.dirname, "..", ".."), "local");

/** The state right after an update: every object as it was planned. */
const state: readonly StateResource[] = stack.objects.map(({ name, manifest, isProtected }) => ({
  urn: `urn:pulumi:local::ascend-stacks::${resourceToken(manifest.apiVersion, manifest.kind)}::${name}`,
  name,
  type: resourceToken(manifest.apiVersion, manifest.kind),
  inputs: manifest,
  isProtected,
}));

const without = (pattern: RegExp): readonly StateResource[] => state.filter(({ name }) => !pattern.test(name));

describe("what the next update would do", () => {
  it("is nothing right after an update", () => expect(planChanges(stack, state)).toEqual([]));

  it("makes what is not there, for the next run", () => {
    expect(planChanges(stack, without(/pretrain-job$/))).toEqual([
      expect.objectContaining({ class: "next run", change: "new", kind: "Job", runs: [], isAllowed: true }),
    ]);
  });

  it("ends a run whose stage left the plan, and says which", () => {
    const old = {
      ...(state.at(-1) as StateResource),
      name: "older-run-pretrain-job",
      inputs: { metadata: { name: "older-run-pretrain" } },
    };
    expect(planChanges(stack, [...state, old])).toEqual([
      expect.objectContaining({
        class: "destructive",
        change: "gone",
        name: "older-run-pretrain",
        runs: ["older-run"],
        isAllowed: false,
      }),
    ]);
  });

  it("never counts the value of a secret as a change", () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", labels: {}, annotations: {} } };
    const object = { name: "s", manifest: secret, after: [], isProtected: false, isRetained: false };
    const remembered: StateResource = {
      urn: "urn:pulumi:local::ascend-stacks::kubernetes:core/v1:Secret::s",
      name: "s",
      type: "kubernetes:core/v1:Secret",
      inputs: { ...secret, stringData: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" } },
      isProtected: false,
    };
    expect(planChanges({ ...stack, objects: [object] }, [remembered])).toEqual([]);
  });
});

describe("an exported state", () => {
  it("gives the Kubernetes objects that are not about to leave", () => {
    const resource = {
      urn: "urn:pulumi:a::b::kubernetes:core/v1:Service::svc",
      type: "kubernetes:core/v1:Service",
      inputs: { a: 1 },
      protect: true,
    };
    const resources = [
      resource,
      { ...resource, delete: true },
      { urn: "urn:pulumi:a::b::pulumi:providers:kubernetes::default", type: "pulumi:providers:kubernetes" },
    ];
    expect(stateResources(JSON.stringify({ deployment: { resources } }))).toEqual([
      { urn: resource.urn, name: "svc", type: resource.type, inputs: { a: 1 }, isProtected: true },
    ]);
    expect(stateResources("{}")).toEqual([]);
    expect(() => stateResources("not JSON")).toThrow("no JSON");
  });
});
