/** The pod of a stage: equal on every scheduler except for what the scheduler itself injects. */
import { posix } from "node:path";
import type { Environment } from "../config/schema.ts";
import { nodeShapeOf } from "../hardware/node-shapes.ts";
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

/** Name of the one container; AscendJob demands exactly this name. */
export const containerName = "ascend";

/** Folder in which the stage's files and its contract are mounted. */
export const filesFolder = "/etc/ascend-stacks";

/** File name of the contract in that folder. */
export const contractFile = "contract.json";

/**
 * Seconds between the request to stop and the end by force. torchrun itself ends its workers about 30 s after the request, so a
 * training gets twice that and some; processor stages have nothing to save.
 */
const gracePeriodSeconds = { npu: 120, cpu: 30 } as const;

/** What a pod needs to know beside its stage. */
export interface PodPlacement {
  readonly environmentName: string;
  readonly environment: Environment;
  readonly stage: PlannedStage;
  /** Name of the ConfigMap with the stage's files. */
  readonly filesName: string;
  /** Additional fields of the pod, e.g. `subdomain`. */
  readonly fields?: Readonly<Record<string, unknown>>;
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
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  const npus =
    plan.npusPerNode === 0
      ? {}
      : { [environment.cluster.resourceName ?? shape.resourceName]: String(plan.npusPerNode) };
  const memory = `${plan.resources.memoryGiB}Gi`;
  return {
    requests: { cpu: String(plan.resources.processorCores), memory, ...npus },
    limits: { memory, ...npus },
  };
}

function command({ environment, stage }: PodPlacement): Readonly<Record<string, unknown>> {
  const settings = { ...scratchVariables(environment), ...stage.plan.environment };
  const variables = [
    ...Object.entries(settings).map(([name, value]) => ({ name, value })),
    ...secretVariables(environment, stage.plan.run),
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
  return {
    name: containerName,
    image: environment.image.reference,
    imagePullPolicy: environment.image.pullPolicy,
    ...command(placement),
    resources: resources(placement),
    securityContext: containerSecurity(environment),
    volumeMounts: [
      { name: "files", mountPath: filesFolder, readOnly: true },
      ...sharedMemory,
      ...scratchMounts(environment),
      ...stage.plan.volumes.map((role) => volumeMount(environment, role)),
    ],
  };
}

/**
 * One pod a node: only asked for when two pods of the stage would fit on one node. Two pods of a job on one node cannot do
 * collective communication with each other.
 */
function spread({ environment, stage }: PodPlacement): Readonly<Record<string, unknown>> {
  const { plan } = stage;
  if (plan.nodes === 1 || plan.npusPerNode * 2 > nodeShapeOf(environment.cluster.nodeShape).npusPerNode) return {};
  const term = {
    labelSelector: { matchLabels: { "ascend-stacks/stage": stage.name } },
    topologyKey: "kubernetes.io/hostname",
  };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

const pullSecrets = ({ image }: Environment): readonly string[] => [
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
  const annotations = { ...environment.cluster.podAnnotations, ...environment.runs[plan.run]?.podAnnotations };
  const shape = nodeShapeOf(environment.cluster.nodeShape);
  const sharedMemory = {
    name: "shared-memory",
    emptyDir: { medium: "Memory", sizeLimit: `${plan.resources.sharedMemoryGiB}Gi` },
  };
  return {
    metadata: {
      labels: podLabels(environmentName, environment, stage.name),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      restartPolicy: "Never",
      ...podSecurityFields(environment),
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds[plan.kind],
      nodeSelector: { "kubernetes.io/arch": shape.architecture, ...environment.cluster.nodeSelector },
      ...(environment.cluster.tolerations.length === 0 ? {} : { tolerations: environment.cluster.tolerations }),
      ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets.map((name) => ({ name })) }),
      ...spread(placement),
      ...placement.fields,
      containers: [container(placement)],
      volumes: [
        { name: "files", configMap: { name: placement.filesName } },
        ...(plan.resources.sharedMemoryGiB > 0 ? [sharedMemory] : []),
        ...scratchVolumes(environment),
        ...plan.volumes.map((role) => podVolume(environment, role)),
      ],
    },
  };
}
