import { describe, expect, it } from "vitest";
import { waiversOf } from "../src/environment/waiver-list.ts";
import type { KubernetesObject, PlannedObject } from "../src/kubernetes/planned-object.ts";
import { levelFor, levelReasons } from "../src/kubernetes/pod-security-level.ts";
import { containersOf, podSpecs } from "../src/kubernetes/pod-templates.ts";
import { ruleFindings } from "../src/kubernetes/rules.ts";
import { planEnvironment } from "../src/pipeline/pipeline.ts";
import { plannedObjects } from "../src/planned-objects.ts";
import { readStack } from "../src/stack.ts";
import { templatesOf } from "../src/workloads/rules/pod-templates.ts";
import { plannedStacks, projectFolder } from "./stacks.ts";

/** Rules over every object of every stack. */

// biome-ignore lint/suspicious/noExplicitAny: manifests are plain data of any kind here
const anyField = (manifest: KubernetesObject): any => manifest;

/** Jobs, JobSets, Volcano Jobs and AscendJobs. */
const jobs = (objects: readonly PlannedObject[]): readonly PlannedObject[] =>
  objects.filter(({ manifest }) => templatesOf(manifest).length > 0);

// biome-ignore lint/suspicious/noExplicitAny: pods are looked at field by field
const podsOf = (manifest: KubernetesObject): readonly any[] => templatesOf(manifest).map(({ pod }) => pod);

describe.each(plannedStacks)("stack %s", (name, { objects, plan }) => {
  it("gives each object a name of its own, in the engine and in the cluster", () => {
    expect(new Set(objects.map((object) => object.name)).size).toBe(objects.length);
    expect(new Set(objects.map(({ manifest }) => `${manifest.kind}/${manifest.metadata.name}`)).size).toBe(
      objects.length,
    );
    for (const { manifest } of objects) expect(manifest.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  });

  it("names only objects that come earlier as needed beforehand", () => {
    const seen = new Set<string>();
    for (const object of objects) {
      for (const other of object.after) expect(seen).toContain(other);
      seen.add(object.name);
    }
  });

  it("orders the waves like the engine orders creation", () => {
    const wave = new Map(
      objects.map((object) => [
        object.name,
        Number(object.manifest.metadata.annotations["argocd.argoproj.io/sync-wave"]),
      ]),
    );
    for (const object of objects)
      for (const other of object.after)
        expect(wave.get(other)).toBeLessThanOrEqual(wave.get(object.name) ?? Number.NaN);
  });

  it("labels every object with its environment", () => {
    for (const { manifest } of objects) {
      expect(manifest.metadata.labels).toMatchObject({
        "app.kubernetes.io/name": "ascend-stacks",
        "app.kubernetes.io/instance": name,
      });
    }
  });

  it("never sets what kills or repeats a training", () => {
    for (const { manifest } of objects) {
      expect(JSON.stringify(manifest)).not.toMatch(/ttlSecondsAfterFinished|replaceUnready|generateName|"suspend"/);
    }
  });

  it("protects every training with its files, and every made volume, and retains the volumes", () => {
    for (const object of objects) {
      const stage = plan.stages.find((candidate) => candidate.name === object.stage);
      if (stage !== undefined) expect(object.isProtected).toBe(stage.plan.kind === "npu");
      if (object.manifest.kind === "PersistentVolumeClaim")
        expect(object).toMatchObject({ isProtected: true, isRetained: true });
    }
  });

  it("waits for every processor stage with a limit, and for no training", () => {
    for (const object of jobs(objects)) {
      const isTraining = plan.stages.find((stage) => stage.name === object.stage)?.plan.kind === "npu";
      expect(object.timeoutSeconds === undefined).toBe(isTraining);
      expect(object.manifest.metadata.annotations["pulumi.com/skipAwait"]).toBe(isTraining ? "true" : undefined);
    }
  });

  it("meets every security rule that it does not waive with a reason", () => {
    const waived = waiversOf(plan.environment).map(({ rule }): string => rule);
    const broken = objects.flatMap(ruleFindings).filter(({ rule }) => !waived.includes(rule));
    expect(broken).toEqual([]);
  });

  it("runs pods as the driver's user under an account without rights", () => {
    for (const { manifest } of objects) {
      for (const pod of podSpecs(manifest)) {
        expect(pod).toMatchObject({
          serviceAccountName: "ascend-stacks-stage",
          securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 },
        });
        for (const container of containersOf(pod)) {
          const { requests, limits } = anyField(container as unknown as KubernetesObject).resources;
          expect(requests.memory).toBe(limits.memory);
        }
      }
    }
  });

  it("enforces the level of Pod Security that its pods need", () => {
    const reasons = objects.flatMap(({ manifest }) => podSpecs(manifest)).flatMap(levelReasons);
    expect(objects[0]?.manifest.metadata.labels["pod-security.kubernetes.io/enforce"]).toBe(levelFor(reasons));
  });

  it("asks for NPUs in requests and limits alike, and pins no processors", () => {
    for (const pod of jobs(objects).flatMap(({ manifest }) => podsOf(manifest))) {
      const { requests, limits } = pod.containers[0].resources;
      expect(requests["huawei.com/Ascend910"]).toBe(limits["huawei.com/Ascend910"]);
      expect(limits).not.toHaveProperty("cpu");
    }
  });

  it("mounts every file that the command names, from an immutable ConfigMap named by its content", () => {
    for (const { containers, volumes } of jobs(objects).flatMap(({ manifest }) => podsOf(manifest))) {
      const mounted = objects.find(
        (object) =>
          object.manifest.metadata.name ===
          volumes.find((volume: { name: string }) => volume.name === "files").configMap.name,
      );
      const named = containers[0].args.filter((word: string) => word.startsWith("/etc/ascend-stacks/"));
      expect(named.length).toBeGreaterThan(0);
      for (const path of named)
        expect(anyField(mounted?.manifest as KubernetesObject).data).toHaveProperty([
          path.replace("/etc/ascend-stacks/", ""),
        ]);
      expect(mounted?.manifest.immutable).toBe(true);
    }
  });

  it("writes nothing that the API server would drop, and that would look like a change after a refresh", () => {
    const empty = (value: unknown): boolean => {
      if (value === null || value === "") return true;
      if (typeof value !== "object") return false;
      const inner = Object.values(value);
      return inner.length === 0 || inner.some(empty);
    };
    for (const { manifest } of objects) {
      const { data: _, ...rest } = structuredClone(anyField(manifest));
      // A plugin of a Volcano Job without arguments is an empty list, which the API server keeps.
      delete rest.spec?.plugins;
      expect(empty(rest)).toBe(false);
      expect(JSON.stringify(rest)).not.toContain('"readOnly":false');
    }
  });

  it("holds no secret", () => {
    for (const { manifest } of objects) expect(manifest.kind).not.toBe("Secret");
  });
});

describe.each(["local-2x8", "a2-ascendjob", "a2-volcano", "a2-jobset", "a3-superpod"])("scale of %s", (stack) => {
  const { environment } = readStack(projectFolder, stack);
  const objectsFor = (nodes: number): readonly PlannedObject[] => {
    const runs = Object.fromEntries(Object.entries(environment.runs).map(([name, run]) => [name, { ...run, nodes }]));
    const plan = planEnvironment({ ...environment, cluster: { ...environment.cluster, nodes }, runs });
    expect(plan.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    return plannedObjects(stack, plan);
  };
  const sizes = [2, 64, 4096].map((nodes) => {
    const objects = objectsFor(nodes);
    return { count: objects.length, bytes: JSON.stringify(objects.map(({ manifest }) => manifest)).length };
  });

  it("a thousand nodes are planned in under a second", () => {
    const started = performance.now();
    objectsFor(1000);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it("the number of objects does not depend on the number of nodes", () => {
    expect(new Set(sizes.map(({ count }) => count)).size).toBe(1);
  });

  it("nor does their size, but for the digits of the numbers in them", () => {
    const [few, , many] = sizes;
    expect(Math.abs((many?.bytes ?? 0) - (few?.bytes ?? 0))).toBeLessThan(100);
  });
});
