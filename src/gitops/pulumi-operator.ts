/**
 * Delivery by the Pulumi Kubernetes Operator: a `Stack` that runs this program from Git inside the cluster.
 *
 * Facts: operator 2.9, operator/api/pulumi/shared/stack_types.go. The operator creates a stack that does not exist, polls the branch,
 * and runs `pulumi up` for each new commit.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import { type DeliveredStack, type DeliverySource, deliveryLabels } from "./source.ts";

/** What the operator needs beside the source. */
export interface PulumiOperatorSettings {
  /** Namespace of the Stack object and of its workspace pod. */
  readonly namespace: string;
  /** Address of the state, e.g. `s3://bucket`; a file backend needs a volume in the workspace. */
  readonly backend: string;
  /** Account of the workspace pod; it needs the deployer's rights in the environment's namespace, and `system:auth-delegator`. */
  readonly serviceAccountName: string;
  /** Secret with the key `passphrase`, by which the stack's secrets are decrypted. */
  readonly passphraseSecret: string;
}

/** Commits are told from branches by their form. */
const revisionFields = (revision: string): Readonly<Record<string, string>> =>
  /^[0-9a-f]{40}$/.test(revision) ? { commit: revision } : { branch: revision };

/**
 * The Stack object. No refresh before an update, no rerun of a revision that has succeeded, and no destruction with the object: each
 * of these could end or repeat a training that nobody asked about.
 *
 * @param source its `path` is the folder of the repository that holds Pulumi.yaml
 */
export const pulumiOperatorStack = (
  stack: DeliveredStack,
  source: DeliverySource,
  settings: PulumiOperatorSettings,
): KubernetesObject => ({
  apiVersion: "pulumi.com/v1",
  kind: "Stack",
  metadata: {
    name: stack.name,
    namespace: settings.namespace,
    labels: deliveryLabels(stack.name),
    annotations: {},
  },
  spec: {
    stack: stack.name,
    projectRepo: source.repository,
    ...revisionFields(source.revision),
    ...(source.path === "" || source.path === "." ? {} : { repoDir: source.path }),
    shallow: true,
    backend: settings.backend,
    serviceAccountName: settings.serviceAccountName,
    envRefs: {
      PULUMI_CONFIG_PASSPHRASE: {
        type: "Secret",
        secret: { name: settings.passphraseSecret, key: "passphrase" },
      },
    },
    refresh: false,
    destroyOnFinalize: false,
    continueResyncOnCommitMatch: false,
  },
});
