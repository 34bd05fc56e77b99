/** The pod of a stage: equal on every scheduler except for what the scheduler itself injects. */
import { posix } from "node:path";
import type { Environment } from "../config/schema.ts";
import { npuResourceName, shapeOf } from "../kubernetes/npus.ts";
import { objectLabels } from "../kubernetes/planned-object.ts";
import {
  containerSecurity,
  podSecurityFields,
  scratchMounts,
  scratchVariables,
  scratchVolumes,
  secretVariables,
} from "../kubernetes/pod-security.ts";
import { podVolume, volumeMount } from "../kubernetes/volumes.ts";
import type { PlannedStage } from "../pipeline/pipeline.ts";
import type { StagePlan } from "../stages/stage-plan.ts";
import { hostMounts, hostNetworkFields, hostVariables, hostVolumes } from "./host-access.ts";
import { metricsPorts } from "./metrics-port.ts";
import { gracePeriodSeconds, spread } from "./placement.ts";

/** Name of the one container; AscendJob demands exactly this name. */
export const containerName = "ascend";

/** Folder in which the stage's files and its contract are mounted. */
export const filesFolder = "/etc/ascend-stacks";

/** File name of the contract in that folder. */
export const contractFile = "contract.json";

/** What a pod needs to know beside its stage. */
export interface PodPlacement {
  readonly environmentName: string;
  readonly environment: Environment;
  readonly stage: PlannedStage;
  /** Name of the ConfigMap with the stage's files. */
  readonly filesName: string;
  /** Additional fields of the pod, e.g. `subdomain`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Ports of the container beside that of the metrics. */
  readonly ports?: readonly unknown[];
  /** What the scheduler reads from the pod. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The image of a stage, by its role. */
export function stageImage({ image }: Environment, plan: StagePlan): string {
  if (plan.image === "training") return image.reference;
  if (image.evaluation === undefined) throw new Error(`${plan.stage} of ${plan.run} was planned without its image`);
  return image.evaluation;
}

/** Labels of the pods. User labels are left out on purpose: a label on a pod template would replace a running Job. */
export const podLabels = (
  environmentName: string,
  environment: Environment,
  stageName: string,
): Readonly<Record<string, string>> => ({
  ...environment.cluster.podLabels,
  ...objectLabels(environmentName, "stage", {}),
  "ascend-stacks/stage": stageName,
});

/** Requests and limits. No processor limit: a pod with whole-core limits gets pinned by the static policy, which breaks npu-smi. */
function resources({ environment, stage }: PodPlacement): Readonly<Record<string, unknown>> {
  const { plan } = stage;
  const npus = plan.npusPerNode === 0 ? {} : { [npuResourceName(environment)]: String(plan.npusPerNode) };
  const memory = `${plan.resources.memoryGiB}Gi`;
  return {
    requests: { cpu: String(plan.resources.processorCores), memory, ...npus },
    limits: { memory, ...npus },
  };
}

function command({ environment, stage }: PodPlacement): Readonly<Record<string, unknown>> {
  const settings = { ...scratchVariables(environment), ...stage.plan.environment };
  const variables: readonly unknown[] = [
    ...Object.entries(settings).map(([name, value]) => ({ name, value })),
    ...secretVariables(environment, stage.plan.run),
    ...hostVariables(environment, stage.plan),
  ];
  return {
    command: ["python3", environment.image.runtimeFolder, "launch"],
    args: ["--contract", posix.join(filesFolder, contractFile), "--", ...stage.plan.program],
    ...(variables.length === 0 ? {} : { env: variables }),
  };
}

function container(placement: PodPlacement): Readonly<Record<string, unknown>> {
  const { environment, stage } = placement;
  const sharedMemory =
    stage.plan.resources.sharedMemoryGiB > 0 ? [{ name: "shared-memory", mountPath: "/dev/shm" }] : [];
  const ports = [...(placement.ports ?? []), ...metricsPorts(environment, stage.plan)];
  return {
    name: containerName,
    image: stageImage(environment, stage.plan),
    imagePullPolicy: environment.image.pullPolicy,
    ...command(placement),
    ...(ports.length === 0 ? {} : { ports }),
    resources: resources(placement),
    securityContext: containerSecurity(environment),
    volumeMounts: [
      { name: "files", mountPath: filesFolder, readOnly: true },
      ...sharedMemory,
      ...scratchMounts(environment),
      ...stage.plan.volumes.map((role) => volumeMount(environment, role)),
      ...hostMounts(environment, stage.plan),
    ],
  };
}

/** Names of the secrets with which a pod's image is pulled. */
export const pullSecrets = ({ image }: Environment): readonly string[] => [
  ...image.pullSecrets,
  ...(image.registryCredentials === undefined ? [] : [registrySecretName]),
];

/** Name of the secret that is made from `image.registryCredentials`. */
export const registrySecretName = "ascend-stacks-registry";

/** The pod template of a stage. */
export function podTemplate(placement: PodPlacement): Readonly<Record<string, unknown>> {
  const { environmentName, environment, stage } = placement;
  const { plan } = stage;
  const secrets = pullSecrets(environment);
  const own = { ...environment.cluster.podAnnotations, ...environment.runs[plan.run]?.podAnnotations };
  const annotations = { ...own, ...placement.annotations };
  const sharedMemory = {
    name: "shared-memory",
    emptyDir: { medium: "Memory", sizeLimit: `${plan.resources.sharedMemoryGiB}Gi` },
  };
  return {
    metadata: {
      labels: { ...podLabels(environmentName, environment, stage.name), ...placement.labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      restartPolicy: "Never",
      ...podSecurityFields(environment),
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds(environment, plan),
      nodeSelector: { "kubernetes.io/arch": shapeOf(environment).architecture, ...environment.cluster.nodeSelector },
      ...(environment.cluster.tolerations.length === 0 ? {} : { tolerations: environment.cluster.tolerations }),
      ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets.map((name) => ({ name })) }),
      ...spread(environment, stage),
      ...hostNetworkFields(environment, plan),
      ...placement.fields,
      containers: [container(placement)],
      volumes: [
        { name: "files", configMap: { name: placement.filesName } },
        ...(plan.resources.sharedMemoryGiB > 0 ? [sharedMemory] : []),
        ...scratchVolumes(environment),
        ...plan.volumes.map((role) => podVolume(environment, role)),
        ...hostVolumes(environment, plan),
      ],
    },
  };
}
