/** What a stage consists of on every scheduler: its files, its headless Service where needed, and the workload itself. */

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
import type { StagePlan } from "../stages/stage-plan.ts";
import { metricsPortOf } from "./metrics-port.ts";
import { contractFile, stageImage } from "./pod.ts";
import { stageContract } from "./stage-contract.ts";
import type { StagePlacement } from "./workload.ts";

/** Exit codes of the in-pod runtime after which another try cannot help: bad contract, input, checkpoint, dataset or result. */
export const hopelessExitCodes: readonly number[] = [70, 71, 72, 73, 74, 75, 76, 77];

/** Whether the stage's program runs on several ranks that have to meet. */
export const isDistributed = ({ plan }: PlannedStage): boolean => plan.launch.kind === "torchrun";

/** TCP port on which the ranks of a stage meet; 0 when there are none. */
export const masterPort = ({ plan }: PlannedStage): number =>
  plan.launch.kind === "torchrun" ? plan.launch.masterPort : 0;

/** Whether the engine waits for the end of the stage. */
export const isAwaited = ({ plan }: PlannedStage): boolean => plan.wait.kind === "until-complete";

/** Labels and annotations that an object has beside those of every object of its stage. */
interface OwnMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Metadata of one of the stage's objects. */
export const stageMetadata = (
  { environmentName, environment, stage }: StagePlacement,
  name: string,
  wave: number,
  own: Partial<OwnMetadata> = {},
): KubernetesObject["metadata"] => ({
  name,
  namespace: environment.namespace,
  labels: {
    ...objectLabels(environmentName, "stage", environment.labels),
    "ascend-stacks/stage": stage.name,
    ...own.labels,
  },
  annotations: { ...waveAnnotation(wave), ...own.annotations },
});

/** The wave of a stage's workload: after everything that makes its inputs, for a wave starts when the one before has ended. */
function stageWave({ kind, inputs, outputs }: StagePlan): number {
  const reads = new Set(inputs.map((input) => input.kind));
  if (reads.has("merged-weights")) return waves.afterMergedWeights;
  if (reads.has("checkpoint") || reads.has("features")) return waves.afterNpuStage;
  if (outputs.some((output) => output.kind === "download")) return waves.download;
  return kind === "npu" ? waves.npuStage : waves.processorStage;
}

/**
 * Metadata of the stage's workload. A training carries the mark by which the engine does not wait for it; custom resources too,
 * because a user's setting (`PULUMI_K8S_AWAIT_ALL`) could make it wait for those.
 */
export const workloadMetadata = (
  placement: StagePlacement,
  own: Partial<OwnMetadata> = {},
): KubernetesObject["metadata"] =>
  stageMetadata(placement, placement.stage.name, stageWave(placement.stage.plan), {
    ...own,
    annotations: { ...(isAwaited(placement.stage) ? {} : { "pulumi.com/skipAwait": "true" }), ...own.annotations },
  });

/**
 * The stage's files in one immutable ConfigMap whose name carries a hash of its content. So a changed file changes the workload, and
 * a running one never finds other files than those it was started with.
 */
function filesObject(placement: StagePlacement, rendezvous: Rendezvous): KubernetesObject {
  const { environmentName, environment, stage } = placement;
  const subject = isAwaited(stage) ? stage.name : stage.plan.run;
  const contract = stageContract(stage.plan, {
    environmentName,
    subject,
    image: stageImage(environment, stage.plan),
    rendezvous,
    metricsPort: metricsPortOf(environment, stage.plan),
  });
  const files = Object.entries(stage.plan.files).map(
    ([path, content]) => [path.slice(path.lastIndexOf("/") + 1), content] as const,
  );
  const data = { [contractFile]: `${JSON.stringify(contract, null, 2)}\n`, ...Object.fromEntries(files) };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: stageMetadata(placement, `${stage.name}-${contentKey(canonicalJson(data))}`, waves.files),
    immutable: true,
    data,
  };
}

/** Gives each pod of the stage a name in DNS, before it is ready, for the ranks meet while they start. */
const serviceObject = (placement: StagePlacement): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: stageMetadata(placement, placement.stage.name, waves.files),
  spec: {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { "ascend-stacks/stage": placement.stage.name },
    ports: [{ name: "rendezvous", port: masterPort(placement.stage), protocol: "TCP" }],
  },
});

/** Name of a stage's workload in the engine's state, whatever its kind. */
const workloadName = (stageName: string): string => `${stageName}-job`;

/** What a workload kind brings to {@link stageObjects}. */
export interface StageParts {
  readonly rendezvous: Rendezvous;
  /** Whether the stage needs a headless Service of its own: some schedulers make one. */
  readonly hasService: boolean;
  /** The workload; gets the name of the ConfigMap with the stage's files. */
  readonly workload: (filesName: string) => KubernetesObject;
  /** Paths of the workload whose change makes a new one; for kinds whose rules the engine does not know. */
  readonly replaceOnChanges?: readonly string[];
}

/** The objects of one stage in the order of their creation. */
export function stageObjects(placement: StagePlacement, parts: StageParts): readonly PlannedObject[] {
  const { stage, baseObjects, environment } = placement;
  const files = filesObject(placement, parts.rendezvous);
  // A running training keeps its files and its Service too: without them a restarted pod could not start.
  const isProtected = stage.plan.kind === "npu" && !stage.runs.some((run) => environment.allowReplacing.includes(run));
  const shared = { isProtected, isRetained: false, stage: stage.name };
  const service: readonly PlannedObject[] = parts.hasService
    ? [{ ...shared, name: `${stage.name}-service`, manifest: serviceObject(placement), after: ["namespace"] }]
    : [];
  const workload: PlannedObject = {
    ...shared,
    name: workloadName(stage.name),
    manifest: parts.workload(files.metadata.name),
    after: [
      ...baseObjects,
      `${stage.name}-files`,
      ...service.map(({ name }) => name),
      ...stage.after.map(workloadName),
    ],
    ...(stage.plan.wait.kind === "until-complete" ? { timeoutSeconds: stage.plan.wait.timeoutMinutes * 60 } : {}),
    ...(parts.replaceOnChanges === undefined ? {} : { replaceOnChanges: parts.replaceOnChanges }),
  };
  return [{ ...shared, name: `${stage.name}-files`, manifest: files, after: ["namespace"] }, ...service, workload];
}
