import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planEnvironment } from "../pipeline/pipeline.ts";
import { plannedObjects } from "../planned-objects.ts";
import { readStack } from "../stack.ts";
import { prePullObjects } from "./pre-pull.ts";

const { environment } = readStack(join(import.meta.dirname, "..", ".."), "local");
const wanting = { ...environment, image: { ...environment.image, prePull: { timeoutMinutes: 45 } } };
const [object] = prePullObjects("local", wanting);
// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object is any data; the tests say what it must be
const spec = object?.manifest.spec as any;
const { template } = spec;

describe("pre-pulling", () => {
  it("is left out unless it is wanted", () => expect(prePullObjects("local", environment)).toEqual([]));

  it("pulls the very image of the stages, on the nodes of the stages", () => {
    const [container] = template.spec.containers;
    expect(container.image).toBe(environment.image.reference);
    expect(template.spec.nodeSelector).toEqual({
      "kubernetes.io/arch": "arm64",
      "accelerator-type": "module-910b-8",
    });
    expect(object?.timeoutSeconds).toBe(45 * 60);
  });

  it("asks for no NPU, no privilege and no token", () => {
    const [container] = template.spec.containers;
    expect(JSON.stringify(container.resources)).not.toContain("huawei.com");
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(JSON.stringify(template)).not.toMatch(/hostPath|hostNetwork|privileged/);
  });

  it("is one object for any number of nodes, which all pull at once", () => {
    expect(prePullObjects("local", { ...wanting, cluster: { ...wanting.cluster, nodes: 4096 } })).toHaveLength(1);
    expect(spec).toMatchObject({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%" } },
    });
  });

  it("comes before every stage", () => {
    const objects = plannedObjects("local", planEnvironment(wanting));
    const jobs = objects.filter(({ manifest }) => manifest.kind === "Job");
    expect(jobs.length).toBe(4);
    for (const job of jobs) expect(job.after).toContain("image-pre-pull");
  });

  it("selects its own pods and no stage's", () => {
    const { matchLabels } = spec.selector;
    expect(template.metadata.labels).toMatchObject(matchLabels);
    expect(matchLabels["app.kubernetes.io/component"]).toBe("image");
  });
});
