import { describe, expect, it } from "vitest";
import { diffObjects, pathText } from "./diff.ts";
import type { JsonObject } from "./json.ts";
import { unknownText } from "./property-values.ts";
import type { Mutability } from "./replacement-rules.ts";

const usual: Mutability = { isConfigMapMutable: false, isSecretMutable: false };
const mutable: Mutability = { isConfigMapMutable: true, isSecretMutable: true };

/** The diff in short: `~` updates, `+` adds, `-` deletes; a trailing `!` replaces. */
function shortDiff(before: JsonObject, after: JsonObject, mutability = usual): readonly string[] {
  const signs = { add: "+", delete: "-", update: "~" } as const;
  return diffObjects(before, after, before, mutability).changes.map(
    ({ path, kind, isReplacing }) => `${signs[kind]}${pathText(path)}${isReplacing ? "!" : ""}`,
  );
}

const object = (apiVersion: string, kind: string, rest: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: "a", namespace: "n" },
  ...rest,
});

const job = (spec: JsonObject): JsonObject => object("batch/v1", "Job", { spec });
const claim = (spec: JsonObject): JsonObject => object("v1", "PersistentVolumeClaim", { spec });
const pod = (spec: JsonObject): JsonObject => object("v1", "Pod", { spec });
const template = (image: string): JsonObject => ({ spec: { containers: [{ name: "c", image }] } });

describe("changes and the replacements that follow from them", () => {
  it.each<{ name: string; before: JsonObject; after: JsonObject; expected: readonly string[]; settings?: Mutability }>([
    { name: "nothing", before: job({ suspend: true }), after: job({ suspend: true }), expected: [] },
    {
      name: "Job: pod template",
      before: job({ template: template("a") }),
      after: job({ template: template("b") }),
      expected: ["~spec.template.spec.containers[0].image!"],
    },
    {
      name: "Job: a new label in the pod template",
      before: job({ template: {} }),
      after: job({ template: { metadata: { labels: { a: "b" } } } }),
      expected: ["+spec.template.metadata!"],
    },
    {
      name: "Job: completions and parallelism",
      before: job({ completions: 1, parallelism: 1 }),
      after: job({ completions: 2, parallelism: 2 }),
      expected: ["~spec.completions!", "~spec.parallelism!"],
    },
    {
      name: "Job: what may change in place",
      before: job({ suspend: true, backoffLimit: 1, activeDeadlineSeconds: 5, ttlSecondsAfterFinished: 9 }),
      after: job({ suspend: false, backoffLimit: 2, activeDeadlineSeconds: 6 }),
      expected: ["~spec.suspend", "~spec.backoffLimit", "~spec.activeDeadlineSeconds", "-spec.ttlSecondsAfterFinished"],
    },
    {
      name: "Job: a whole spec that holds a template",
      before: object("batch/v1", "Job", {}),
      after: job({ template: template("a") }),
      expected: ["+spec!"],
    },
    {
      name: "Job: a whole spec without one",
      before: object("batch/v1", "Job", {}),
      after: job({ suspend: true }),
      expected: ["+spec"],
    },
    {
      name: "ConfigMap: data",
      before: object("v1", "ConfigMap", { data: { a: "1" } }),
      after: object("v1", "ConfigMap", { data: { a: "2" } }),
      expected: ["~data.a!"],
    },
    {
      name: "ConfigMap: data, mutable",
      before: object("v1", "ConfigMap", { data: { a: "1" } }),
      after: object("v1", "ConfigMap", { data: { a: "2" } }),
      settings: mutable,
      expected: ["~data.a"],
    },
    {
      name: "ConfigMap: data, mutable provider but immutable object",
      before: object("v1", "ConfigMap", { immutable: true, binaryData: { a: "1" } }),
      after: object("v1", "ConfigMap", { immutable: true, binaryData: { a: "2" } }),
      settings: mutable,
      expected: ["~binaryData.a!"],
    },
    {
      name: "Secret: data",
      before: object("v1", "Secret", { stringData: { a: "1" } }),
      after: object("v1", "Secret", { stringData: { a: "1", b: "2" } }),
      expected: ["+stringData.b!"],
    },
    {
      name: "Secret: data, mutable",
      before: object("v1", "Secret", { data: { a: "1" } }),
      after: object("v1", "Secret", { data: {} }),
      settings: mutable,
      expected: ["-data.a"],
    },
    {
      name: "Secret: type, mutable",
      before: object("v1", "Secret", { type: "a" }),
      after: object("v1", "Secret", { type: "b" }),
      settings: mutable,
      expected: ["~type!"],
    },
    {
      name: "labels with dots and slashes",
      before: object("v1", "ConfigMap", {}),
      after: { ...object("v1", "ConfigMap", {}), metadata: { name: "a", namespace: "n", labels: { "a.b/c": "d" } } },
      expected: ["+metadata.labels"],
    },
    {
      name: "name",
      before: object("v1", "ConfigMap", {}),
      after: { ...object("v1", "ConfigMap", {}), metadata: { name: "b", namespace: "n" } },
      expected: ["~metadata.name!"],
    },
    {
      name: "namespace",
      before: object("v1", "ConfigMap", {}),
      after: { ...object("v1", "ConfigMap", {}), metadata: { name: "a", namespace: "m" } },
      expected: ["~metadata.namespace!"],
    },
    {
      name: "custom resource: only its name counts",
      before: object("example.com/v1", "Widget", { spec: { a: 1 } }),
      after: object("example.com/v1", "Widget", { spec: { a: 2 } }),
      expected: ["~spec.a"],
    },
    {
      name: "claim: growth",
      before: claim({ resources: { requests: { storage: "1Ti" } } }),
      after: claim({ resources: { requests: { storage: "2Ti" } } }),
      expected: ["~spec.resources.requests.storage"],
    },
    {
      name: "claim: class",
      before: claim({ storageClassName: "a" }),
      after: claim({ storageClassName: "b" }),
      expected: ["~spec.storageClassName!"],
    },
    {
      name: "claim: access modes",
      before: claim({ accessModes: ["ReadWriteOnce"] }),
      after: claim({ accessModes: ["ReadWriteMany"] }),
      expected: ["~spec.accessModes[0]!"],
    },
    {
      name: "Service: cluster address",
      before: object("v1", "Service", { spec: { clusterIP: "None" } }),
      after: object("v1", "Service", { spec: { clusterIP: "10.0.0.1" } }),
      expected: ["~spec.clusterIP!"],
    },
    {
      name: "Service: selector",
      before: object("v1", "Service", { spec: { selector: { a: "b" } } }),
      after: object("v1", "Service", { spec: { selector: { a: "c" } } }),
      expected: ["~spec.selector.a"],
    },
    {
      name: "Deployment: selector",
      before: object("apps/v1", "Deployment", { spec: { selector: { matchLabels: { a: "b" } } } }),
      after: object("apps/v1", "Deployment", { spec: { selector: { matchLabels: { a: "c" } } } }),
      expected: ["~spec.selector.matchLabels.a!"],
    },
    {
      name: "Deployment: replicas and template",
      before: object("apps/v1", "Deployment", { spec: { replicas: 1, template: template("a") } }),
      after: object("apps/v1", "Deployment", { spec: { replicas: 2, template: template("b") } }),
      expected: ["~spec.replicas", "~spec.template.spec.containers[0].image"],
    },
    {
      name: "StatefulSet: claim templates",
      before: object("apps/v1", "StatefulSet", { spec: { volumeClaimTemplates: [{}] } }),
      after: object("apps/v1", "StatefulSet", { spec: { volumeClaimTemplates: [] } }),
      expected: ["-spec.volumeClaimTemplates[0]!"],
    },
    {
      name: "RoleBinding: role",
      before: object("rbac.authorization.k8s.io/v1", "RoleBinding", { roleRef: { name: "a" } }),
      after: object("rbac.authorization.k8s.io/v1", "RoleBinding", { roleRef: { name: "b" } }),
      expected: ["~roleRef.name!"],
    },
    {
      name: "Pod: image of any container",
      before: pod({ containers: [{ name: "c" }, { image: "a" }] }),
      after: pod({ containers: [{ name: "c" }, { image: "b" }] }),
      expected: ["~spec.containers[1].image!"],
    },
    {
      name: "Pod: a container more",
      before: pod({ containers: [] }),
      after: pod({ containers: [{ image: "b" }] }),
      expected: ["+spec.containers[0]!"],
    },
    {
      name: "Pod: tolerations",
      before: pod({ tolerations: [] }),
      after: pod({ tolerations: [{ key: "a" }] }),
      expected: ["+spec.tolerations[0]"],
    },
    {
      name: "an unknown value counts as changed",
      before: object("v1", "ConfigMap", { data: { a: "1" } }),
      after: object("v1", "ConfigMap", { data: { a: unknownText } }),
      expected: ["~data.a!"],
    },
    {
      name: "quantities in another spelling",
      before: job({ template: { resources: { limits: { cpu: "1000m", memory: "1Gi" } } } }),
      after: job({ template: { resources: { limits: { cpu: 1, memory: "1024Mi" } } } }),
      expected: [],
    },
    {
      name: "the same spelling elsewhere is no quantity",
      before: object("v1", "ConfigMap", { data: { a: "1000m" } }),
      after: object("v1", "ConfigMap", { data: { a: "1" } }),
      settings: mutable,
      expected: ["~data.a"],
    },
    {
      name: "a value of another type",
      before: object("v1", "ConfigMap", { data: { a: "1" } }),
      after: object("v1", "ConfigMap", { data: { a: ["1"] } }),
      settings: mutable,
      expected: ["~data.a"],
    },
  ])("$name", ({ before, after, expected, settings }) => {
    expect(shortDiff(before, after, settings)).toEqual(expected);
  });
});

describe("the order of a replacement", () => {
  const changed = (after: JsonObject, live: JsonObject = job({ completions: 1 })): boolean =>
    diffObjects(job({ completions: 1 }), after, live, usual).isDeletedBeforeReplaced;

  it("deletes first when a given name stays", () => {
    expect(changed(job({ completions: 2 }))).toBe(true);
  });

  it("creates first when the name changes, the namespace changes, or the name was automatic", () => {
    expect(changed({ ...job({ completions: 2 }), metadata: { name: "b", namespace: "n" } })).toBe(false);
    expect(changed({ ...job({ completions: 2 }), metadata: { name: "a", namespace: "m" } })).toBe(false);
    const autonamed = { name: "a", namespace: "n", annotations: { "pulumi.com/autonamed": "true" } };
    expect(changed({ ...job({ completions: 2 }), metadata: autonamed })).toBe(false);
  });

  it("does not delete for a change in place", () => {
    expect(changed(job({ completions: 1, suspend: true }))).toBe(false);
  });
});

describe("property paths", () => {
  it.each([
    [["spec", "containers", 0, "env"], "spec.containers[0].env"],
    [["metadata", "labels", "a.b/c"], 'metadata.labels["a.b/c"]'],
    [["data", 'say "x"'], 'data["say \\"x\\""]'],
    [["a.b"], '["a.b"]'],
  ])("%j is %s", (path, text) => {
    expect(pathText(path)).toBe(text);
  });
});
