/** What the cluster says of each planned stage: read through the Kubernetes API, never written. */
import { ApiException, CoreV1Api, CustomObjectsApi, KubeConfig, type V1Pod } from "@kubernetes/client-node";
import type { EnvironmentPlan, PlannedStage } from "../pipeline/pipeline.ts";
import { workloadFor } from "../workloads/catalogue.ts";
import { type Observation, rankOfPod, type WorkloadObject } from "../workloads/observation.ts";
import { containerName } from "../workloads/pod.ts";
import type { Workload } from "../workloads/workload.ts";
import { createdAt, lastFailure, type PodFailure, restartsOf } from "./pod-facts.ts";
import { type Progress, progressOf } from "./progress.ts";

/** State of a stage on the cluster. */
export type StageState = "not created" | "waiting" | "running" | "stopped" | "complete" | "failed";

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
    /** How often pods were started again. */
    readonly restarts: number;
  };
  /** Nodes that its pods are placed on. */
  readonly nodes: readonly string[];
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly progress?: Progress;
  /** The newest failure of a pod, also one that a restart has mended since. */
  readonly lastError?: PodFailure;
}

/** The cluster could not be asked: wrong address, credentials or rights. */
export class ClusterError extends Error {}

/** State of a stage: its workload says whether it is over, its pods whether it runs or what it waits for. */
function stateOf({ state, reason }: Observation, pods: readonly V1Pod[]): Pick<LiveStage, "state" | "reason"> {
  const told = reason === undefined ? {} : { reason };
  if (state !== "active") return { state, ...told };
  if (pods.some(({ status }) => status?.phase === "Running")) return { state: "running", ...told };
  const unplaced = pods
    .flatMap(({ status }) => status?.conditions ?? [])
    .find(({ type, status }) => type === "PodScheduled" && status === "False");
  return { state: "waiting", ...told, ...(unplaced?.message === undefined ? {} : { reason: unplaced.message }) };
}

const isoTime = (time: string): string => new Date(time).toISOString();

/** The newest pod of the last rank: only its log has iteration lines. */
const lastRankPod = (stage: PlannedStage, pods: readonly V1Pod[]): V1Pod | undefined =>
  pods
    .filter((pod) => rankOfPod(pod) === stage.plan.nodes - 1)
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
    const log = await core.readNamespacedPodLog({ name, namespace, container: containerName, tailLines: 200 });
    return progressOf(log, stage.plan.layout?.globalBatch);
  } catch {
    // A pod that has not started, or whose log is gone, has no progress to show; its state says the rest.
    return undefined;
  }
}

/** A training that does not run gets nowhere, however little was left. */
function atRest({ secondsLeft: _, ...rest }: Progress): Progress {
  return rest;
}

async function liveStage(
  core: CoreV1Api,
  namespace: string,
  stage: PlannedStage,
  observed: Observation | undefined,
  pods: readonly V1Pod[],
): Promise<LiveStage> {
  const named = { name: stage.name, runs: stage.runs, stage: stage.plan.stage };
  const counted = (phase: string): number => pods.filter(({ status }) => status?.phase === phase).length;
  const counts = {
    wanted: stage.plan.nodes,
    running: counted("Running"),
    succeeded: counted("Succeeded"),
    failed: counted("Failed"),
    restarts: restartsOf(pods, stage.plan.nodes, observed?.restarts),
  };
  if (observed === undefined) return { ...named, state: "not created", pods: counts, nodes: [] };
  const found = await progress(core, namespace, stage, pods);
  const state = stateOf(observed, pods);
  const failure = lastFailure(pods);
  return {
    ...named,
    ...state,
    pods: counts,
    nodes: [...new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []))].sort(),
    ...(observed.startedAt === undefined ? {} : { startedAt: isoTime(observed.startedAt) }),
    ...(observed.endedAt === undefined ? {} : { endedAt: isoTime(observed.endedAt) }),
    ...(found === undefined ? {} : { progress: state.state === "running" ? found : atRest(found) }),
    ...(failure === undefined ? {} : { lastError: failure }),
  };
}

function explain(error: unknown, server: string | undefined): ClusterError {
  if (error instanceof ClusterError) return error;
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

interface Query {
  readonly namespace: string;
  readonly labelSelector: string;
}

const notFound = 404;

/** The stages' workloads of one kind by stage name. */
async function observations(
  api: CustomObjectsApi,
  { resource, observe }: Workload,
  query: Query,
): Promise<ReadonlyMap<string, Observation>> {
  const list = await api.listNamespacedCustomObject({ ...query, ...resource }).catch((error: unknown) => {
    if (!(error instanceof ApiException) || error.code !== notFound) throw error;
    throw new ClusterError(
      `the cluster does not know ${resource.plural}.${resource.group}; install what serves them, or choose another cluster.scheduler.kind`,
    );
  });
  // The API server lists objects of the kind that the path names.
  const items = (list as { readonly items?: readonly WorkloadObject[] }).items ?? [];
  return new Map(items.map((object) => [object.metadata?.name ?? "", observe(object)]));
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
    const kinds = [...new Set(plan.stages.map((stage) => workloadFor(plan.environment, stage.plan)))];
    const custom = configuration.makeApiClient(CustomObjectsApi);
    const [pods, ...found] = await Promise.all([
      core.listNamespacedPod(query),
      ...kinds.map((kind) => observations(custom, kind, query)),
    ]);
    return await Promise.all(
      plan.stages.map((stage) => {
        const observed = found[kinds.indexOf(workloadFor(plan.environment, stage.plan))]?.get(stage.name);
        const own = pods.items.filter(({ metadata }) => metadata?.labels?.["ascend-stacks/stage"] === stage.name);
        return liveStage(core, namespace, stage, observed, own);
      }),
    );
  } catch (error) {
    throw explain(error, configuration.getCurrentCluster()?.server);
  }
}
