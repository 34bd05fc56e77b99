import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStack } from "../stack.ts";
import { repositoryOf, signaturePolicyObjects } from "./signature-policy.ts";

const { environment } = readStack(join(import.meta.dirname, "..", ".."), "local");
const publicKey = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
const withSignature = (admission: "none" | "kyverno") => ({
  ...environment,
  image: { ...environment.image, signature: { publicKey, admission } },
});

describe("a signature by key", () => {
  it("is enforced by the cluster where the environment says so", () => {
    const [object] = signaturePolicyObjects("local", withSignature("kyverno"));
    expect(object?.manifest).toMatchObject({
      apiVersion: "kyverno.io/v1",
      kind: "Policy",
      metadata: { namespace: environment.namespace },
      spec: {
        rules: [
          {
            match: { any: [{ resources: { kinds: ["Pod"] } }] },
            verifyImages: [
              {
                imageReferences: ["registry.example.com/training/opensoraplan*"],
                failureAction: "Enforce",
                required: true,
                mutateDigest: false,
                attestors: [
                  {
                    entries: [
                      { keys: { publicKeys: publicKey, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } } },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      },
    });
  });

  it("makes no object otherwise", () => {
    expect(signaturePolicyObjects("local", withSignature("none"))).toEqual([]);
    expect(signaturePolicyObjects("local", environment)).toEqual([]);
  });
});

describe("the repository of a reference", () => {
  it.each([
    [`registry.example.com:5000/a/b@sha256:${"0".repeat(64)}`, "registry.example.com:5000/a/b"],
    ["registry.example.com/a/b:1.0@sha256:00", "registry.example.com/a/b"],
    ["registry.example.com/a/b:1.0", "registry.example.com/a/b"],
    ["registry.example.com:5000/a", "registry.example.com:5000/a"],
  ])("%s is %s", (reference, repository) => expect(repositoryOf(reference)).toBe(repository));
});
