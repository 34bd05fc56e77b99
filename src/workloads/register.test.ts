import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { resourceToken } from "./register.ts";

const typed = createRequire(import.meta.url);

/** The token by which a typed class of the provider's own package registers. */
const officialToken = (file: string, name: string): string =>
  (typed(`@pulumi/kubernetes/${file}`) as Record<string, { readonly __pulumiType: string }>)[name]?.__pulumiType ?? "";

describe("the token of an object", () => {
  it.each([
    ["v1", "Namespace", "core/v1/namespace.js"],
    ["v1", "PersistentVolumeClaim", "core/v1/persistentVolumeClaim.js"],
    ["batch/v1", "Job", "batch/v1/job.js"],
    ["networking.k8s.io/v1", "NetworkPolicy", "networking/v1/networkPolicy.js"],
    ["rbac.authorization.k8s.io/v1", "RoleBinding", "rbac/v1/roleBinding.js"],
    ["scheduling.k8s.io/v1", "PriorityClass", "scheduling/v1/priorityClass.js"],
  ])("of %s %s is that of the official class", (apiVersion, kind, file) => {
    expect(resourceToken(apiVersion, kind)).toBe(officialToken(file, kind));
  });

  it("of a custom resource names its group and version", () => {
    expect(resourceToken("mindxdl.gitee.com/v1", "AscendJob")).toBe("kubernetes:mindxdl.gitee.com/v1:AscendJob");
  });
});
