import { describe, expect, it } from "vitest";
import type { JsonObject } from "./json.ts";
import { adoptFields, isCreatedBy, keysOfPath, withoutIgnored } from "./managed-fields.ts";

const entry = (manager: string, operation: string, fieldsV1: JsonObject, more: JsonObject = {}): JsonObject => ({
  manager,
  operation,
  apiVersion: "v1",
  fieldsV1,
  ...more,
});
const owned = (...managedFields: readonly JsonObject[]): JsonObject => ({ metadata: { managedFields } });

describe("taking over ownership", () => {
  it("turns our create into our apply", () => {
    const object = owned(
      entry("pulumi-kubernetes", "Update", { "f:a": {} }),
      entry("controller", "Update", { "f:b": {} }),
    );
    expect(adoptFields(object, "pulumi-kubernetes")).toEqual([
      entry("controller", "Update", { "f:b": {} }),
      entry("pulumi-kubernetes", "Apply", { "f:a": {} }),
    ]);
  });

  it("joins what kubectl wrote with what we applied", () => {
    const object = owned(
      entry("pulumi-kubernetes", "Apply", { "f:a": { "f:x": {} } }),
      entry("kubectl-edit", "Update", { "f:a": { "f:y": {} }, "f:b": {} }),
    );
    expect(adoptFields(object, "pulumi-kubernetes")).toEqual([
      entry("pulumi-kubernetes", "Apply", { "f:a": { "f:x": {}, "f:y": {} }, "f:b": {} }),
    ]);
  });

  it("leaves others, status and our apply alone", () => {
    const object = owned(
      entry("controller", "Update", { "f:b": {} }),
      entry("kubectl", "Update", { "f:status": {} }, { subresource: "status" }),
      entry("pulumi-kubernetes", "Apply", { "f:a": {} }),
    );
    expect(adoptFields(object, "pulumi-kubernetes")).toBeUndefined();
    expect(adoptFields({}, "pulumi-kubernetes")).toBeUndefined();
  });

  it("tells a create of ours from an apply", () => {
    expect(isCreatedBy(owned(entry("m", "Update", {})), "m")).toBe(true);
    expect(isCreatedBy(owned(entry("m", "Apply", {})), "m")).toBe(false);
  });
});

describe("ignored changes in an apply", () => {
  const body = { spec: { suspend: true, parallelism: 2 } };
  const live = {
    spec: { suspend: false, parallelism: 4 },
    ...owned(
      entry("queue", "Update", { "f:spec": { "f:suspend": {} } }),
      entry("m", "Apply", { "f:spec": { "f:parallelism": {} } }),
    ),
  };

  it("leaves out what somebody else owns", () => {
    expect(withoutIgnored(body, live, ["spec.suspend"], "m")).toEqual({ spec: { parallelism: 2 } });
  });

  it("repeats the present value of what is ours", () => {
    expect(withoutIgnored(body, live, ["spec.parallelism"], "m")).toEqual({ spec: { suspend: true, parallelism: 4 } });
  });

  it("does not add what the body does not have, nor follow lists", () => {
    expect(withoutIgnored(body, live, ["spec.completions", "spec.list[0]"], "m")).toEqual(body);
  });

  it.each([
    ["spec.suspend", ["spec", "suspend"]],
    ['metadata.labels["a.b/c"]', ["metadata", "labels", "a.b/c"]],
    ["spec.list[0].a", undefined],
  ])("reads %s", (path, keys) => {
    expect(keysOfPath(path)).toEqual(keys);
  });
});
