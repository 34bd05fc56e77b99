/**
 * A stage as an AscendJob: MindCluster's operator makes the pods, the Service of the first one, the gang, and the variables by which
 * the ranks meet. The production default on clusters with MindCluster.
 *
 * Sources: mind-cluster v26.0.0 and v26.1.0, component/ascend-operator/pkg/controllers/v1 (env.go, pod.go, ascendjob_validate.go) and
 * the definition in component/ascend-operator/build/ascend-operator.yaml.
 */
import type { KubernetesObject } from "../kubernetes/planned-object.ts";
import { priorityClassName } from "../kubernetes/pod-security.ts";
import type { Rendezvous } from "../pipeline/contract.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { type GangScheduler, gangAnnotations, gangLabels, productLabels } from "./mindcluster.ts";
import { observeAscendJob } from "./observation.ts";
import { podTemplate } from "./pod.ts";
import { masterPort, stageObjects, workloadMetadata } from "./stage-objects.ts";
import type { StagePlacement, Workload } from "./workload.ts";

/** Address of the pod with rank 0: itself when it is alone, else what the operator puts into the pods. */
const masterAddress = (_stageName: string, nodes: number): string => (nodes === 1 ? "localhost" : "$MASTER_ADDR");

/** `RANK` counts nodes here: 0 for the master, and one more than its index for each worker. */
const rendezvous = ({ plan }: PlannedStage): Rendezvous => ({
  nodeRank: { variable: "RANK" },
  masterAddress: plan.nodes === 1 ? { value: "localhost" } : { variable: "MASTER_ADDR" },
  masterPort: { variable: "MASTER_PORT" },
});

/**
 * Retries after the program itself has failed. The operator counts them with the rescheduling limit, of which 0 would mean "without
 * limit": a training without restarts gets neither.
 */
const retryLabels = (restarts: number): Readonly<Record<string, string>> =>
  restarts === 0 ? {} : { "fault-retry-times": String(restarts) };

function ascendJobObject(placement: StagePlacement, scheduler: GangScheduler, filesName: string): KubernetesObject {
  const { environment, stage } = placement;
  const { plan } = stage;
  const priority = priorityClassName(environment);
  const template = podTemplate({
    ...placement,
    filesName,
    labels: productLabels,
    // The operator takes the port of the rendezvous from the port of this name.
    ports: [{ name: "ascendjob-port", containerPort: masterPort(stage), protocol: "TCP" }],
  });
  const replicas = (count: number) => ({ replicas: count, restartPolicy: "Never", template });
  return {
    apiVersion: "mindxdl.gitee.com/v1",
    kind: "AscendJob",
    metadata: workloadMetadata(placement, {
      labels: {
        framework: "pytorch",
        ...gangLabels(environment, scheduler, plan.restarts),
        ...retryLabels(plan.restarts),
      },
      annotations: gangAnnotations(environment, scheduler, stage),
    }),
    spec: {
      schedulerName: "volcano",
      runPolicy: {
        ...(plan.restarts === 0 ? {} : { backoffLimit: plan.restarts }),
        schedulingPolicy: {
          minAvailable: plan.nodes,
          queue: scheduler.queue,
          ...(priority === undefined ? {} : { priorityClass: priority }),
        },
      },
      replicaSpecs: {
        Master: replicas(1),
        ...(plan.nodes === 1 ? {} : { Worker: replicas(plan.nodes - 1) }),
      },
    },
  };
}

/** The AscendJob of a stage with its files. Its operator makes the Service. */
export const ascendJob: Workload = {
  kind: "ascendJob",
  resource: { group: "mindxdl.gitee.com", version: "v1", plural: "ascendjobs" },
  masterAddress,
  objects: (placement) => {
    const { scheduler } = placement.environment.cluster;
    if (scheduler.kind !== "ascendJob") throw new Error(`the scheduler of this environment is ${scheduler.kind}`);
    return stageObjects(placement, {
      rendezvous: rendezvous(placement.stage),
      hasService: false,
      workload: (filesName) => ascendJobObject(placement, scheduler, filesName),
      replaceOnChanges: ["spec"],
    });
  },
  observe: observeAscendJob,
};
