/** What the cluster says of each planned stage: read through the Kubernetes API, never written. */
import { ApiException, BatchV1Api, CoreV1Api, KubeConfig, type V1Job, type V1Pod } from "@kubernetes/client-node";
import type { EnvironmentPlan, PlannedStage } from "../pipeline/pipeline.ts";
import { containerName } from "../workloads/pod.ts";
import { type Progress, progressOf } from "./progress.ts";

/** State of a stage on the cluster. */
export type StageState = "not created" | "waiting" | "running" | "complete" | "failed";

/** One stage as it is now. */
export interface LiveStage {
  readonly name: string;
  readonly runs: readonly string[];
  readonly stage: string;
  readonly state: StageState;
  /** Why it failed or waits, in the words of the cluster. */
  readonly reason?: string;
  readonly pods: {
    readonly wanted: number;
    readonly running: number;
    readonly succeeded: number;
    readonly failed: number;
  };
  /** Nodes that its pods are placed on. */
  readonly nodes: readonly string[];
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly progress?: Progress;
}

/** The cluster could not be asked: wrong address, credentials or rights. */
export class ClusterError extends Error {}

const condition = (job: V1Job, type: string) =>
  job.status?.conditions?.find((candidate) => candidate.type === type && candidate.status === "True");

function stateOf(job: V1Job, pods: readonly V1Pod[]): Pick<LiveStage, "state" | "reason"> {
  const failed = condition(job, "Failed") ?? condition(job, "FailureTarget");
  if (failed !== undefined)
    return { state: "failed", reason: [failed.reason, failed.message].filter(Boolean).join(": ") };
  if (condition(job, "Complete") !== undefined) return { state: "complete" };
  if (pods.some(({ status }) => status?.phase === "Running")) return { state: "running" };
  const unplaced = pods
    .flatMap(({ status }) => status?.conditions ?? [])
    .find(({ type, status }) => type === "PodScheduled" && status === "False");
  return { state: "waiting", ...(unplaced?.message === undefined ? {} : { reason: unplaced.message }) };
}

const completionIndex = (pod: V1Pod): number =>
  Number(pod.metadata?.annotations?.["batch.kubernetes.io/job-completion-index"] ?? -1);

const createdAt = (pod: V1Pod): number => pod.metadata?.creationTimestamp?.getTime() ?? 0;

/** The newest pod of the last rank: only its log has iteration lines. */
const lastRankPod = (stage: PlannedStage, pods: readonly V1Pod[]): V1Pod | undefined =>
  pods
    .filter((pod) => completionIndex(pod) === stage.plan.nodes - 1)
    .sort((left, right) => createdAt(right) - createdAt(left))[0];

async function progress(
  core: CoreV1Api,
  namespace: string,
  stage: PlannedStage,
  pods: readonly V1Pod[],
): Promise<Progress | undefined> {
  const name = lastRankPod(stage, pods)?.metadata?.name;
  if (stage.plan.success.kind !== "checkpoint" || name === undefined) return undefined;
  try {
    return progressOf(await core.readNamespacedPodLog({ name, namespace, container: containerName, tailLines: 200 }));
  } catch {
    // A pod that has not started, or whose log is gone, has no progress to show; its state says the rest.
    return undefined;
  }
}

async function liveStage(
  core: CoreV1Api,
  namespace: string,
  stage: PlannedStage,
  job: V1Job | undefined,
  pods: readonly V1Pod[],
): Promise<LiveStage> {
  const named = { name: stage.name, runs: stage.runs, stage: stage.plan.stage };
  const counted = (phase: string): number => pods.filter(({ status }) => status?.phase === phase).length;
  const counts = {
    wanted: stage.plan.nodes,
    running: counted("Running"),
    succeeded: counted("Succeeded"),
    failed: counted("Failed"),
  };
  if (job === undefined) return { ...named, state: "not created", pods: counts, nodes: [] };
  const found = await progress(core, namespace, stage, pods);
  const ended = job.status?.completionTime ?? condition(job, "Failed")?.lastTransitionTime;
  return {
    ...named,
    ...stateOf(job, pods),
    pods: counts,
    nodes: [...new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []))].sort(),
    ...(job.status?.startTime === undefined ? {} : { startedAt: job.status.startTime.toISOString() }),
    ...(ended === undefined ? {} : { endedAt: ended.toISOString() }),
    ...(found === undefined ? {} : { progress: found }),
  };
}

function explain(error: unknown, server: string | undefined): ClusterError {
  if (error instanceof ApiException)
    return new ClusterError(`the cluster ${server} refused with ${error.code}: ${String(error.body).slice(0, 300)}`);
  const text =
    error instanceof Error
      ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ""}`
      : String(error);
  return new ClusterError(
    `the cluster ${server ?? "(none configured)"} cannot be asked: ${text}; set KUBECONFIG to the cluster of this stack`,
  );
}

/**
 * Asks the cluster of the current kubeconfig for every stage of a plan.
 *
 * @throws ClusterError when it cannot be asked
 */
export async function liveStages(stack: string, plan: EnvironmentPlan): Promise<readonly LiveStage[]> {
  const configuration = new KubeConfig();
  const { namespace } = plan.environment;
  try {
    configuration.loadFromDefault();
    const core = configuration.makeApiClient(CoreV1Api);
    const query = { namespace, labelSelector: `app.kubernetes.io/instance=${stack},app.kubernetes.io/component=stage` };
    const [jobs, pods] = await Promise.all([
      configuration.makeApiClient(BatchV1Api).listNamespacedJob(query),
      core.listNamespacedPod(query),
    ]);
    return await Promise.all(
      plan.stages.map((stage) => {
        const job = jobs.items.find(({ metadata }) => metadata?.name === stage.name);
        const own = pods.items.filter(({ metadata }) => metadata?.labels?.["ascend-stacks/stage"] === stage.name);
        return liveStage(core, namespace, stage, job, own);
      }),
    );
  } catch (error) {
    throw explain(error, configuration.getCurrentCluster()?.server);
  }
}
