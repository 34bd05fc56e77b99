import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fieldChanges, manifestChange } from "./changes.ts";
import type { KubernetesObject } from "./planned-object.ts";

const metadata = { name: "a", namespace: "n", labels: {}, annotations: {} };
const job = (spec: Readonly<Record<string, unknown>>): KubernetesObject => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata,
  spec: { parallelism: 1, template: { spec: { containers: [{ image: "one" }] } }, ...spec },
});
const object = (apiVersion: string, kind: string, content: Readonly<Record<string, unknown>>): KubernetesObject => ({
  apiVersion,
  kind,
  metadata,
  ...content,
});

describe("changed fields", () => {
  it("are the deepest ones, with both values", () => {
    expect(fieldChanges({ a: { b: 1, c: [1, 2] }, d: 0 }, { a: { b: 2, c: [1, 3] }, e: 5 })).toEqual([
      { path: "a.b", before: 1, after: 2 },
      { path: "a.c.1", before: 2, after: 3 },
      { path: "d", before: 0 },
      { path: "e", after: 5 },
    ]);
    expect(fieldChanges({ a: [1] }, { a: [1, 2] })).toEqual([{ path: "a", before: [1], after: [1, 2] }]);
  });

  it("are none exactly when two values are equal", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        expect(fieldChanges(left, structuredClone(left))).toEqual([]);
        expect(fieldChanges(left, right).length === 0).toBe(
          JSON.stringify(left) === JSON.stringify(right) || equal(left, right),
        );
      }),
    );
  });
});

/** Equality of JSON values whatever the order of keys; 0 and -0 are one number here. */
function equal(left: unknown, right: unknown): boolean {
  const sorted = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) =>
      inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([one], [two]) => (one < two ? -1 : 1)))
        : inner,
    );
  return sorted(left) === sorted(right);
}

describe("a changed manifest", () => {
  it.each<[string, KubernetesObject, KubernetesObject, boolean]>([
    ["restarts of a Job", job({ backoffLimit: 0 }), job({ backoffLimit: 3 }), false],
    ["suspension of a Job", job({}), job({ suspend: true }), false],
    ["nodes of a Job", job({}), job({ parallelism: 2 }), true],
    ["a pod template", job({}), job({ template: { spec: { containers: [{ image: "two" }] } } }), true],
    [
      "data of a ConfigMap",
      object("v1", "ConfigMap", { data: { a: "1" } }),
      object("v1", "ConfigMap", { data: { a: "2" } }),
      true,
    ],
    [
      "size of a claim",
      object("v1", "PersistentVolumeClaim", { spec: { resources: { requests: { storage: "1Gi" } } } }),
      object("v1", "PersistentVolumeClaim", { spec: { resources: { requests: { storage: "2Gi" } } } }),
      false,
    ],
    [
      "class of a claim",
      object("v1", "PersistentVolumeClaim", { spec: { storageClassName: "a" } }),
      object("v1", "PersistentVolumeClaim", { spec: { storageClassName: "b" } }),
      true,
    ],
    [
      "spec of an AscendJob",
      object("mindxdl.gitee.com/v1", "AscendJob", { spec: { a: 1 } }),
      object("mindxdl.gitee.com/v1", "AscendJob", { spec: { a: 2 } }),
      true,
    ],
    [
      "spec of a Volcano Job",
      object("batch.volcano.sh/v1alpha1", "Job", { spec: { maxRetry: 1 } }),
      object("batch.volcano.sh/v1alpha1", "Job", { spec: { maxRetry: 2 } }),
      true,
    ],
    [
      "ports of a Service",
      object("v1", "Service", { spec: { ports: [1] } }),
      object("v1", "Service", { spec: { ports: [2] } }),
      false,
    ],
  ])("%s", (_, before, after, isReplaced) => {
    const change = manifestChange(before, after);
    expect(change.fields.length).toBeGreaterThan(0);
    expect(change.isReplaced).toBe(isReplaced);
  });

  it("of labels is made in place, of the name never", () => {
    const labelled = { ...job({}), metadata: { ...metadata, labels: { team: "b" } } };
    expect(manifestChange(job({}), labelled)).toMatchObject({
      isReplaced: false,
      fields: [{ path: "metadata.labels.team" }],
    });
    expect(manifestChange(job({}), { ...job({}), metadata: { ...metadata, name: "b" } }).isReplaced).toBe(true);
  });
});
