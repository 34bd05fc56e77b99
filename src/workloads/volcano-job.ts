/**
 * A stage as a Volcano Job: all pods are placed together or not at all, and restarted together. For clusters with Volcano, with or
 * without MindCluster's plugin, and without its Ascend Operator.
 *
 * Sources: volcano.sh/apis, batch/v1alpha1; plugins `env` and `svc` of Volcano's job controller; MindCluster 26.0.0 for the labels.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import { priorityClassName } from "../kubernetes/pod-security.ts";
import type { Rendezvous } from "../pipeline/contract.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { type GangScheduler, gangAnnotations, gangLabels, productLabels } from "./mindcluster.ts";
import { observeVolcanoJob } from "./observation.ts";
import { podTemplate } from "./pod.ts";
import { hopelessExitCodes, masterPort, stageObjects, workloadMetadata } from "./stage-objects.ts";
import type { StagePlacement, Workload } from "./workload.ts";

/** Name of the one task; part of the pods' names in DNS. */
const taskName = "node";

/** Address of the pod with index 0: itself when it is alone, else as the headless Service of the plugin `svc` publishes it. */
const masterAddress = (stageName: string, nodes: number): string =>
  nodes === 1 ? "localhost" : `${stageName}-${taskName}-0.${stageName}`;

const rendezvous = (stage: PlannedStage): Rendezvous => ({
  nodeRank: { variable: "VC_TASK_INDEX" },
  masterAddress: { value: masterAddress(stage.name, stage.plan.nodes) },
  masterPort: { value: String(masterPort(stage)) },
});

/**
 * The first rule that fits wins, so the exit codes that cannot get better come before the failed pod. With pod rescheduling
 * MindCluster recreates single pods itself, and rules for the whole job must be absent.
 */
const policies = (isRescheduledByPod: boolean): readonly unknown[] => [
  ...hopelessExitCodes.map((exitCode) => ({ exitCode, action: "TerminateJob" })),
  ...(isRescheduledByPod
    ? []
    : [
        { event: "PodEvicted", action: "RestartJob" },
        { event: "PodFailed", action: "RestartJob" },
      ]),
];

function volcanoJobObject(placement: StagePlacement, scheduler: GangScheduler, filesName: string): KubernetesObject {
  const { environment, stage } = placement;
  const { plan } = stage;
  const priority = priorityClassName(environment);
  return {
    apiVersion: "batch.volcano.sh/v1alpha1",
    kind: "Job",
    metadata: workloadMetadata(placement, {
      labels: gangLabels(environment, scheduler, plan.restarts),
      annotations: gangAnnotations(environment, scheduler, stage),
    }),
    spec: {
      schedulerName: "volcano",
      queue: scheduler.queue,
      ...(priority === undefined ? {} : { priorityClassName: priority }),
      minAvailable: plan.nodes,
      // The job fails when as many restarts have begun as this says: one more than may be carried out.
      maxRetry: plan.restarts + 1,
      policies: policies(scheduler.faultTolerance.podRescheduling),
      // Ranks meet before their pods are ready. Who may talk to whom is for the environment's own network policies.
      plugins: { env: [], svc: ["--publish-not-ready-addresses=true", "--disable-network-policy=true"] },
      tasks: [
        {
          name: taskName,
          replicas: plan.nodes,
          minAvailable: plan.nodes,
          template: podTemplate({ ...placement, filesName, labels: productLabels }),
        },
      ],
    },
  };
}

/** The Volcano Job of a stage with its files. Its plugins make the headless Service and the ranks. */
export const volcanoJob: Workload = {
  kind: "volcanoJob",
  resource: { group: "batch.volcano.sh", version: "v1alpha1", plural: "jobs" },
  masterAddress,
  objects: (placement) => {
    const { scheduler } = placement.environment.cluster;
    if (scheduler.kind !== "volcanoJob") throw new Error(`the scheduler of this environment is ${scheduler.kind}`);
    return stageObjects(placement, {
      rendezvous: rendezvous(placement.stage),
      hasService: false,
      workload: (filesName) => volcanoJobObject(placement, scheduler, filesName),
      replaceOnChanges: ["spec"],
    });
  },
  observe: observeVolcanoJob,
};
