/**
 * A stage as an Indexed Job of Kubernetes itself: runs on any cluster. Each node of the stage is one completion index, which is also
 * its rank; several nodes find each other through a headless Service. It has no gang restart: the pods of a failed attempt end one
 * after the other and are started again one by one.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import type { Rendezvous } from "../pipeline/contract.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { observeJob } from "./observation.ts";
import { plainPodScheduling } from "./plain-scheduling.ts";
import { containerName, type PodPlacement, podTemplate } from "./pod.ts";
import {
  hopelessExitCodes,
  isAwaited,
  isDistributed,
  masterPort,
  stageObjects,
  workloadMetadata,
} from "./stage-objects.ts";
import type { StagePlacement, Workload } from "./workload.ts";

/** Address of the pod with index 0: itself when it is alone, else as the headless Service publishes it inside the namespace. */
export const masterAddress = (stageName: string, nodes: number): string =>
  nodes === 1 ? "localhost" : `${stageName}-0.${stageName}`;

const rendezvous = (stage: PlannedStage): Rendezvous => ({
  nodeRank: { variable: "JOB_COMPLETION_INDEX" },
  masterAddress: { value: masterAddress(stage.name, stage.plan.nodes) },
  masterPort: { value: String(masterPort(stage)) },
});

/**
 * When a pod fails: an exit code that cannot get better ends the Job, a drained node does not count, all else is tried again as
 * often as the run allows. Only for stages that nobody waits for: the engine does not see the end of a Job by such a rule.
 */
const failurePolicy = {
  rules: [
    { action: "FailJob", onExitCodes: { containerName, operator: "In", values: hopelessExitCodes } },
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
  ],
};

function jobObject(placement: StagePlacement, filesName: string): KubernetesObject {
  const { environment, stage } = placement;
  const { plan } = stage;
  const scheduling = plainPodScheduling(environment, stage);
  const fields: PodPlacement["fields"] = {
    ...(isDistributed(stage) ? { subdomain: stage.name } : {}),
    ...scheduling.fields,
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: workloadMetadata(placement),
    spec: {
      completionMode: "Indexed",
      completions: plan.nodes,
      parallelism: plan.nodes,
      backoffLimit: plan.restarts * plan.nodes,
      ...(isAwaited(stage) ? {} : { podFailurePolicy: failurePolicy, podReplacementPolicy: "Failed" }),
      template: podTemplate({ ...placement, filesName, fields, annotations: scheduling.annotations }),
    },
  };
}

/** The Indexed Job of a stage with its files and, for distributed stages, its headless Service. */
export const indexedJob: Workload = {
  kind: "job",
  resource: { group: "batch", version: "v1", plural: "jobs" },
  masterAddress,
  objects: (placement) =>
    stageObjects(placement, {
      rendezvous: rendezvous(placement.stage),
      hasService: isDistributed(placement.stage),
      workload: (filesName) => jobObject(placement, filesName),
    }),
  observe: observeJob,
};
