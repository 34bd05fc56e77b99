/**
 * A stage as an Indexed Job of Kubernetes itself: runs on any cluster. Each node of the stage is one completion index, which is also
 * its rank; several nodes find each other through a headless Service. It has no gang restart: the pods of a failed attempt end one
 * after the other and are started again one by one.
 */

import {
  type KubernetesObject,
  objectLabels,
  type PlannedObject,
  waveAnnotation,
  waves,
} from "../kubernetes/planned-object.ts";
import type { Rendezvous } from "../pipeline/contract.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import { canonicalJson, contentKey } from "../stages/artifacts.ts";
import { containerName, contractFile, type PodPlacement, podTemplate } from "./pod.ts";
import { stageContract } from "./stage-contract.ts";
import type { StagePlacement, Workload } from "./workload.ts";

/** Exit codes of the in-pod runtime after which another try cannot help: bad contract, input, checkpoint, dataset or result. */
const hopelessExitCodes = [70, 71, 72, 73, 74, 75, 76, 77];

const isDistributed = (stage: PlannedStage): boolean => stage.plan.launch.kind === "torchrun";

const masterPort = ({ plan }: PlannedStage): number => (plan.launch.kind === "torchrun" ? plan.launch.masterPort : 0);

/** Address of the pod with index 0: itself when it is alone, else as the headless Service publishes it inside the namespace. */
export const masterAddress = (stageName: string, nodes: number): string =>
  nodes === 1 ? "localhost" : `${stageName}-0.${stageName}`;

const rendezvous = (stage: PlannedStage): Rendezvous => ({
  nodeRank: { variable: "JOB_COMPLETION_INDEX" },
  masterAddress: { value: masterAddress(stage.name, stage.plan.nodes) },
  masterPort: { value: String(masterPort(stage)) },
});

const metadata = (
  placement: StagePlacement,
  name: string,
  wave: number,
  annotations: Readonly<Record<string, string>> = {},
) => ({
  name,
  namespace: placement.environment.namespace,
  labels: {
    ...objectLabels(placement.environmentName, "stage", placement.environment.labels),
    "ascend-stacks/stage": placement.stage.name,
  },
  annotations: { ...waveAnnotation(wave), ...annotations },
});

const waveOf = ({ plan }: PlannedStage): number => (plan.kind === "npu" ? waves.npuStage : waves.processorStage);

/**
 * The stage's files in one immutable ConfigMap whose name carries a hash of its content. So a changed file changes the Job, and a
 * running Job never finds other files than those it was started with.
 */
function filesObject(placement: StagePlacement): KubernetesObject {
  const { environmentName, environment, stage } = placement;
  const subject = stage.plan.wait.kind === "until-complete" ? stage.name : stage.plan.run;
  const contract = stageContract(stage.plan, {
    environmentName,
    subject,
    image: environment.image.reference,
    rendezvous: rendezvous(stage),
  });
  const files = Object.entries(stage.plan.files).map(
    ([path, content]) => [path.slice(path.lastIndexOf("/") + 1), content] as const,
  );
  const data = { [contractFile]: `${JSON.stringify(contract, null, 2)}\n`, ...Object.fromEntries(files) };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(placement, `${stage.name}-${contentKey(canonicalJson(data))}`, waves.files),
    immutable: true,
    data,
  };
}

/** Gives each pod of the Job a name in DNS, before it is ready, for the ranks meet while they start. */
const serviceObject = (placement: StagePlacement): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(placement, placement.stage.name, waves.files),
  spec: {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { "ascend-stacks/stage": placement.stage.name },
    ports: [{ name: "rendezvous", port: masterPort(placement.stage), protocol: "TCP" }],
  },
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
  const { stage } = placement;
  const { plan } = stage;
  const isAwaited = plan.wait.kind === "until-complete";
  const fields: PodPlacement["fields"] = isDistributed(stage) ? { subdomain: stage.name } : {};
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(placement, stage.name, waveOf(stage), isAwaited ? {} : { "pulumi.com/skipAwait": "true" }),
    spec: {
      completionMode: "Indexed",
      completions: plan.nodes,
      parallelism: plan.nodes,
      backoffLimit: plan.restarts * plan.nodes,
      ...(isAwaited ? {} : { podFailurePolicy: failurePolicy, podReplacementPolicy: "Failed" }),
      template: podTemplate({ ...placement, filesName, fields }),
    },
  };
}

/** The Indexed Job of a stage with its files and, for distributed stages, its headless Service. */
export const indexedJob: Workload = {
  kind: "job",
  masterAddress,
  objects: (placement): readonly PlannedObject[] => {
    const { stage, baseObjects } = placement;
    const files = filesObject(placement);
    // A running training keeps its files and its Service too: without them a restarted pod could not start.
    const isProtected =
      stage.plan.kind === "npu" && !stage.runs.some((run) => placement.environment.allowReplacing.includes(run));
    const shared = { isProtected, isRetained: false, stage: stage.name };
    const service: readonly PlannedObject[] = isDistributed(stage)
      ? [{ ...shared, name: `${stage.name}-service`, manifest: serviceObject(placement), after: ["namespace"] }]
      : [];
    const earlier = stage.after.map((name) => `${name}-job`);
    const job: PlannedObject = {
      ...shared,
      name: `${stage.name}-job`,
      manifest: jobObject(placement, files.metadata.name),
      after: [...baseObjects, `${stage.name}-files`, ...service.map(({ name }) => name), ...earlier],
      ...(stage.plan.wait.kind === "until-complete" ? { timeoutSeconds: stage.plan.wait.timeoutMinutes * 60 } : {}),
    };
    return [{ ...shared, name: `${stage.name}-files`, manifest: files, after: ["namespace"] }, ...service, job];
  },
};
