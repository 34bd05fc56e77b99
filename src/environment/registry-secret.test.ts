import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderStream, unrenderable } from "../gitops/render.ts";
import { readStack } from "../stack.ts";
import { registrySecretObjects } from "./registry-secret.ts";

const { environment } = readStack(join(import.meta.dirname, "..", ".."), "local");
type Credentials = NonNullable<typeof environment.image.registryCredentials>;

const registryObjects = (registryCredentials: Credentials) =>
  registrySecretObjects({
    environmentName: "local",
    environment: { ...environment, image: { ...environment.image, registryCredentials } },
  });

describe("registry credentials by reference", () => {
  it("become an ExternalSecret that makes the pull secret, and can go into Git", () => {
    const objects = registryObjects({
      externalSecret: { store: "vault", storeKind: "ClusterSecretStore", key: "registry/training", property: "config" },
    });
    expect(unrenderable(objects)).toEqual([]);
    expect(objects[0]?.manifest).toMatchObject({
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: "ascend-stacks-registry", namespace: "osp-t2v" },
      spec: {
        secretStoreRef: { name: "vault", kind: "ClusterSecretStore" },
        target: { name: "ascend-stacks-registry", template: { type: "kubernetes.io/dockerconfigjson" } },
        data: [{ secretKey: ".dockerconfigjson", remoteRef: { key: "registry/training", property: "config" } }],
      },
    });
  });

  it("become a SealedSecret with its ciphertext", () => {
    const objects = registryObjects({ sealedSecret: "AgBciphertext" });
    expect(renderStream(objects)).toContain(".dockerconfigjson: AgBciphertext");
    expect(objects[0]?.manifest).toMatchObject({ apiVersion: "bitnami.com/v1alpha1", kind: "SealedSecret" });
  });
});
