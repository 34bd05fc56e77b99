/**
 * A rule in the cluster that lets only signed images into the namespace: a Kyverno policy, for environments that name a key.
 *
 * Form of the object: Kyverno's documentation of `verifyImages` rules (kyverno.io/v1). The public log of signatures is not asked, so
 * that the rule works in a network without an outside.
 */
import type { Environment } from "../config/schema.ts";
import { objectLabels, type PlannedObject, waveAnnotation, waves } from "../kubernetes/planned-object.ts";

/** Repository of a reference, without tag and digest; a port of the registry is no tag. */
export function repositoryOf(reference: string): string {
  const [name = ""] = reference.split("@");
  const slash = name.lastIndexOf("/");
  const colon = name.lastIndexOf(":");
  return colon > slash ? name.slice(0, colon) : name;
}

/** The policy, if the environment asks the cluster to enforce its key. */
export function signaturePolicyObjects(environmentName: string, environment: Environment): readonly PlannedObject[] {
  const { image, namespace } = environment;
  const { signature } = image;
  if (signature?.admission !== "kyverno") return [];
  const attestor = {
    keys: { publicKeys: signature.publicKey, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } },
  };
  return [
    {
      name: "image-signature",
      manifest: {
        apiVersion: "kyverno.io/v1",
        kind: "Policy",
        metadata: {
          name: "image-signature",
          namespace,
          labels: objectLabels(environmentName, "image", environment.labels),
          annotations: waveAnnotation(waves.storage),
        },
        spec: {
          webhookTimeoutSeconds: 30,
          rules: [
            {
              name: "signed-by-key",
              match: { any: [{ resources: { kinds: ["Pod"] } }] },
              verifyImages: [
                {
                  imageReferences: [`${repositoryOf(image.reference)}*`],
                  failureAction: "Enforce",
                  required: true,
                  verifyDigest: true,
                  // The pods name a digest already, and a changed pod would look like a change of the stack.
                  mutateDigest: false,
                  attestors: [{ count: 1, entries: [attestor] }],
                },
              ],
            },
          ],
        },
      },
      after: ["namespace"],
      isProtected: false,
      isRetained: false,
    },
  ];
}
