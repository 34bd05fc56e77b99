/**
 * A stage as a JobSet with one Indexed Job in it: when a pod fails, the whole gang is taken down and started again, so that no rank
 * waits for one that is gone. Runs on any cluster with the JobSet controller.
 *
 * Source: API of sigs.k8s.io/jobset v0.11.0, api/jobset/v1alpha2.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import type { Rendezvous } from "../pipeline/contract.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { observeJobSet } from "./observation.ts";
import { plainPodScheduling } from "./plain-scheduling.ts";
import { containerName, podTemplate } from "./pod.ts";
import { hopelessExitCodes, masterPort, stageObjects, workloadMetadata } from "./stage-objects.ts";
import type { StagePlacement, Workload } from "./workload.ts";

/** Name of the one replicated Job; part of the pods' names in DNS. */
const replicatedJob = "node";

/** Address of the pod with index 0: itself when it is alone, else as the controller's headless Service publishes it. */
const masterAddress = (stageName: string, nodes: number): string =>
  nodes === 1 ? "localhost" : `${stageName}-${replicatedJob}-0-0.${stageName}`;

const rendezvous = (stage: PlannedStage): Rendezvous => ({
  nodeRank: { variable: "JOB_COMPLETION_INDEX" },
  masterAddress: { value: masterAddress(stage.name, stage.plan.nodes) },
  masterPort: { value: String(masterPort(stage)) },
});

/** How the Job controller explains that it ended a Job because of one of the rules below. */
const policyReason = "PodFailurePolicy";

/**
 * One failed pod ends the Job. The two rules exist to tell why: the JobSet controller reads the reason and the message that the Job
 * controller writes for them.
 */
const podFailurePolicy = {
  rules: [
    { action: "FailJob", onExitCodes: { containerName, operator: "In", values: hopelessExitCodes } },
    { action: "FailJob", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
  ],
};

/** A drained node restarts the gang and does not count; an exit code that cannot get better ends it; all else counts. */
const failureRules = [
  {
    name: "disruption",
    action: "RestartJobSetAndIgnoreMaxRestarts",
    onJobFailureReasons: [policyReason],
    onJobFailureMessagePatterns: ["has condition DisruptionTarget "],
  },
  { name: "hopeless", action: "FailJobSet", onJobFailureReasons: [policyReason] },
];

function jobSetObject(placement: StagePlacement, filesName: string): KubernetesObject {
  const { environment, stage } = placement;
  const { plan } = stage;
  const { fields, annotations } = plainPodScheduling(environment, stage);
  return {
    apiVersion: "jobset.x-k8s.io/v1alpha2",
    kind: "JobSet",
    metadata: workloadMetadata(placement),
    spec: {
      network: { enableDNSHostnames: true, publishNotReadyAddresses: true, subdomain: stage.name },
      successPolicy: { operator: "All" },
      // Blocking: the next attempt is made when every pod of the last one is gone, so that no NPU is asked for twice.
      failurePolicy: { maxRestarts: plan.restarts, restartStrategy: "BlockingRecreate", rules: failureRules },
      replicatedJobs: [
        {
          name: replicatedJob,
          replicas: 1,
          template: {
            spec: {
              completionMode: "Indexed",
              completions: plan.nodes,
              parallelism: plan.nodes,
              backoffLimit: 0,
              podFailurePolicy,
              podReplacementPolicy: "Failed",
              template: podTemplate({ ...placement, filesName, fields, annotations }),
            },
          },
        },
      ],
    },
  };
}

/** The JobSet of a stage with its files. Its controller makes the headless Service. */
export const jobSet: Workload = {
  kind: "jobSet",
  resource: { group: "jobset.x-k8s.io", version: "v1alpha2", plural: "jobsets" },
  masterAddress,
  objects: (placement) =>
    stageObjects(placement, {
      rendezvous: rendezvous(placement.stage),
      hasService: false,
      workload: (filesName) => jobSetObject(placement, filesName),
      replaceOnChanges: ["spec"],
    }),
  observe: observeJobSet,
};
