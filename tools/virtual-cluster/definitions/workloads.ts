/**
 * Definitions of the workload kinds that are not Kubernetes' own, written from their published fields. The JobSet's comes with its
 * module. No controller of AscendJob or of Volcano runs in a virtual cluster: the API server checks and keeps their objects.
 */
import type { KubernetesObject } from "@kubernetes/client-node";
import { jobSetDefinitions } from "../jobset.ts";
import type { WorkloadKind } from "../state.ts";
import { ascendJobTemplate } from "./pod-of-ascend-job.ts";
import { anything, definition, integer, integerOrText, list, map, object, oneOf, type Schema, text } from "./schema.ts";

const condition = object({
  type: text,
  status: text,
  reason: text,
  message: text,
  lastTransitionTime: text,
  lastUpdateTime: text,
});

/** AscendJob of MindCluster 26.0.0 and 26.1.0. */
export const ascendJobDefinition: Schema = definition(
  {
    group: "mindxdl.gitee.com",
    version: "v1",
    kind: "AscendJob",
    plural: "ascendjobs",
    shortNames: ["acjob"],
    scope: "Namespaced",
  },
  object(
    {
      replicaSpecs: map(
        object({
          replicas: { ...integer, minimum: 0 },
          restartPolicy: oneOf("Never", "Always", "OnFailure", "ExitCode"),
          template: ascendJobTemplate,
        }),
      ),
      runPolicy: object({
        activeDeadlineSeconds: integer,
        backoffLimit: integer,
        cleanPodPolicy: text,
        schedulingPolicy: object({
          minAvailable: integer,
          minResources: map(integerOrText),
          priorityClass: text,
          queue: text,
        }),
        ttlSecondsAfterFinished: integer,
      }),
      schedulerName: text,
      successPolicy: text,
    },
    ["replicaSpecs"],
  ),
  object({
    completionTime: text,
    conditions: list(condition),
    lastReconcileTime: text,
    replicaStatuses: map(anything),
    startTime: text,
  }),
);

const policy = object({
  action: text,
  event: text,
  events: list(text),
  exitCode: integer,
  timeout: text,
});

/** Job of Volcano, batch.volcano.sh/v1alpha1. Its pods are checked when they are made. */
export const volcanoJobDefinition: Schema = definition(
  {
    group: "batch.volcano.sh",
    version: "v1alpha1",
    kind: "Job",
    plural: "jobs",
    shortNames: ["vcjob", "vj"],
    scope: "Namespaced",
  },
  object({
    maxRetry: integer,
    minAvailable: integer,
    minSuccess: { ...integer, minimum: 1 },
    plugins: map(list(text)),
    policies: list(policy),
    priorityClassName: text,
    queue: text,
    runningEstimate: text,
    schedulerName: text,
    tasks: list(
      object({
        dependsOn: anything,
        maxRetry: integer,
        minAvailable: integer,
        name: text,
        policies: list(policy),
        replicas: integer,
        template: anything,
        topologyPolicy: oneOf("none", "best-effort", "restricted", "single-numa-node"),
      }),
    ),
    ttlSecondsAfterFinished: integer,
    volumes: list(object({ mountPath: text, volumeClaim: anything, volumeClaimName: text }, ["mountPath"])),
  }),
  anything,
);

/** Queue of Volcano, scheduling.volcano.sh/v1beta1. */
export const volcanoQueueDefinition: Schema = definition(
  {
    group: "scheduling.volcano.sh",
    version: "v1beta1",
    kind: "Queue",
    plural: "queues",
    shortNames: ["q"],
    scope: "Cluster",
  },
  object({
    capability: map(integerOrText),
    deserved: map(integerOrText),
    guarantee: object({ resource: map(integerOrText) }),
    parent: text,
    priority: integer,
    reclaimable: { type: "boolean" },
    type: text,
    weight: { ...integer, minimum: 1, maximum: 65_535 },
  }),
  anything,
);

/**
 * The definitions of a workload kind.
 *
 * @param jobSetComponents the components of JobSet's module, which hold its definition
 */
export function definitionsOf(kind: WorkloadKind, jobSetComponents: string | undefined): readonly KubernetesObject[] {
  switch (kind) {
    case "ascendJob":
      return [ascendJobDefinition];
    case "volcanoJob":
      return [volcanoJobDefinition, volcanoQueueDefinition];
    case "jobSet":
      return jobSetComponents === undefined ? [] : jobSetDefinitions(jobSetComponents);
  }
}
