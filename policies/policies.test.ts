import { describe, expect, it } from "vitest";
import { securityRuleNames } from "../src/config/security-rules.ts";
import type { PlannedObject } from "../src/kubernetes/planned-object.ts";
import { resourceToken } from "../src/workloads/register.ts";
import { changedPlan, type EnvironmentData } from "../tests/changed-stack.ts";
import { plannedStacks } from "../tests/stacks.ts";
import { namespacePolicies, objectPolicies } from "./policies.ts";
import type { StackResource } from "./violations.ts";

/** The policies called as the engine calls them. That the engine loads and obeys the pack is shown end to end. */

const resources = (objects: readonly PlannedObject[]): readonly StackResource[] =>
  objects.map(({ name, manifest, isProtected }) => ({
    type: resourceToken(manifest.apiVersion, manifest.kind),
    urn: `urn:pulumi:test::ascend-stacks::${name}`,
    props: manifest,
    opts: { protect: isProtected },
  }));

/** Everything that the policies report, as `rule: message`. The engine passes more than the policies read. */
async function reported(all: readonly StackResource[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, validateResource } of objectPolicies) {
    for (const validate of [validateResource ?? []].flat())
      for (const resource of all)
        await validate(resource as Parameters<typeof validate>[0], (message) => void found.push(`${name}: ${message}`));
  }
  for (const { name, validateStack } of namespacePolicies) {
    const args = { resources: all } as unknown as Parameters<typeof validateStack>[0];
    await validateStack(args, (message) => void found.push(`${name}: ${message}`));
  }
  return found;
}

const withMetadata = (
  resource: StackResource,
  change: (metadata: EnvironmentData) => EnvironmentData,
): StackResource => ({
  ...resource,
  props: { ...resource.props, metadata: { ...change(resource.props.metadata) } },
});

describe.each(plannedStacks)("stack %s", (_, { objects }) => {
  it("breaks no policy", async () => expect(await reported(resources(objects))).toEqual([]));
});

describe("the pack", () => {
  const { objects } = changedPlan("local", (environment) => {
    environment.security = { readOnlyRootFilesystem: false };
    environment.waivers = [{ rule: "read-only-root", reason: "packages write beside their code" }];
  });
  const all = resources(objects);

  it("has every rule", () => {
    expect([...objectPolicies, ...namespacePolicies].map(({ name }): string => name).sort()).toEqual([
      ...securityRuleNames,
    ]);
  });

  it("lets pass what an object waives with a reason, and nothing without one", async () => {
    expect(await reported(all)).toEqual([]);
    const bare = all.map((resource) => withMetadata(resource, (metadata) => ({ ...metadata, annotations: {} })));
    const found = await reported(bare);
    expect(found).toHaveLength(4);
    for (const line of found) {
      expect(line).toMatch(/^read-only-root: Job .*: container ascend can write to its root file system$/);
    }
  });

  it("looks at namespaces as a whole", async () => {
    const open = all.filter(({ props }) => props.kind !== "NetworkPolicy");
    expect(await reported(open)).toEqual(["isolated-network: Namespace osp-t2v has pods and no network policy"]);
    const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
    const loose = all.map((resource) =>
      resource.props.kind === "Namespace" ? withMetadata(resource, (metadata) => ({ ...metadata, labels })) : resource,
    );
    expect(await reported(loose)).toEqual([
      "namespace-level: Namespace osp-t2v enforces privileged where restricted admits every pod",
    ]);
  });

  it("advises on unprotected trainings, and leaves other providers' resources alone", async () => {
    const bare = all.map((resource): StackResource => ({ ...resource, opts: {} }));
    expect(await reported(bare)).toEqual([expect.stringMatching(/^protected-training: Job t2v-93x480p-pretrain/)]);
    const advising = objectPolicies.filter(({ enforcementLevel }) => enforcementLevel !== "mandatory");
    expect(advising.map(({ name }) => name)).toEqual(["protected-training"]);
    expect(await reported([{ type: "docker:index:Image", urn: "urn", props: { kind: "Job" }, opts: {} }])).toEqual([]);
  });
});
