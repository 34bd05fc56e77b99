/** What the status of each workload kind says of its stage: pure functions over objects as the API server returns them. */

/** A stage's workload as it is now. */
export interface Observation {
  /** `active` says only that it is not over: whether pods run is for the pods to say. `stopped` rests until it is resumed. */
  readonly state: "active" | "stopped" | "complete" | "failed";
  /** Why it failed or what it waits for, in the words of the cluster. */
  readonly reason?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** How often the whole was started again, for kinds that remove the pods of a failed attempt. */
  readonly restarts?: number;
}

/** The fields of a status that are read here; every controller leaves some of them out. */
interface Status {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly Condition[];
  /** Of a JobSet. */
  readonly restarts?: number;
  /** Of a Volcano Job. */
  readonly retryCount?: number;
  readonly state?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly lastTransitionTime?: string;
  };
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** A workload as read from the cluster. */
export interface WorkloadObject {
  readonly metadata?: { readonly name?: string; readonly creationTimestamp?: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

// What the API server returns has the form of the kind's definition; all fields are optional there.
const statusOf = (object: WorkloadObject): Status => (object.status ?? {}) as Status;

const conditionOf = ({ conditions = [] }: Status, ...types: readonly string[]): Condition | undefined =>
  conditions.find(({ type = "", status }) => status === "True" && types.includes(type));

const words = ({ reason, message }: { readonly reason?: string; readonly message?: string }): string =>
  [reason, message].filter((part) => part !== undefined && part !== "").join(": ");

type Loose = { readonly [Field in keyof Observation]?: Observation[Field] | undefined };

const known = (observation: Loose & Pick<Observation, "state">): Observation =>
  // Leaves out undefined and empty fields; the type stays what it was, for those fields are optional in it.
  Object.fromEntries(
    Object.entries(observation).filter(([, value]) => value !== undefined && value !== ""),
  ) as unknown as Observation;

function fromConditions(object: WorkloadObject, complete: string, ...failed: readonly string[]): Observation {
  const status = statusOf(object);
  const failure = conditionOf(status, ...failed);
  const success = conditionOf(status, complete);
  const end = failure ?? success;
  return known({
    ...(status.restarts ? { restarts: status.restarts } : {}),
    state: failure !== undefined ? "failed" : success !== undefined ? "complete" : "active",
    reason: failure === undefined ? undefined : words(failure),
    startedAt: status.startTime ?? object.metadata?.creationTimestamp,
    endedAt: status.completionTime ?? end?.lastTransitionTime,
  });
}

/** A Job or JobSet that was told to rest: by `ascend stop`, or by a queue that has not admitted it yet. */
function resting(object: WorkloadObject, observed: Observation): Observation {
  const spec = (object.spec ?? {}) as { readonly suspend?: boolean };
  return observed.state === "active" && spec.suspend === true
    ? { ...observed, state: "stopped", reason: "suspended; ascend resume lets it go on" }
    : observed;
}

/** An Indexed Job. A Job that is about to fail counts as failed: only its pods have still to end. */
export function observeJob(object: WorkloadObject): Observation {
  const observed = fromConditions(object, "Complete", "Failed", "FailureTarget");
  const { startTime } = statusOf(object);
  return resting(object, startTime === undefined ? known({ ...observed, startedAt: undefined }) : observed);
}

/** A JobSet: its own conditions, not those of the Jobs in it, which end and come again at each restart. */
export const observeJobSet = (object: WorkloadObject): Observation =>
  resting(object, fromConditions(object, "Completed", "Failed"));

/**
 * An AscendJob. The operator says whatever keeps it from starting in a condition, also mistakes that no webhook has refused.
 */
export function observeAscendJob(object: WorkloadObject): Observation {
  const observed = fromConditions(object, "Succeeded", "Failed");
  if (observed.state !== "active") return observed;
  const latest = statusOf(object).conditions?.at(-1);
  const isTelling = latest !== undefined && latest.type !== "Running";
  return known({ ...observed, reason: isTelling ? words(latest) : undefined });
}

const failedPhases: readonly string[] = ["Failed", "Aborted", "Aborting", "Terminated", "Terminating"];

/** A Volcano Job: its phase, and the conditions it went through. */
export function observeVolcanoJob(object: WorkloadObject): Observation {
  const { state = {}, retryCount } = statusOf(object);
  const phase = state.phase ?? "";
  const isFailed = failedPhases.includes(phase);
  const isOver = isFailed || phase === "Completed";
  return known({
    state: isFailed ? "failed" : phase === "Completed" ? "complete" : "active",
    reason:
      isFailed || phase === "Pending"
        ? words({ reason: state.reason ?? phase, ...(state.message === undefined ? {} : { message: state.message }) })
        : undefined,
    ...(retryCount ? { restarts: retryCount } : {}),
    startedAt: object.metadata?.creationTimestamp,
    endedAt: isOver ? state.lastTransitionTime : undefined,
  });
}

/** What is read of a pod to tell its rank. */
export interface RankedPod {
  readonly metadata?: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Rank of a pod among the pods of its stage, whatever made it; -1 when it does not tell. */
export function rankOfPod({ metadata = {} }: RankedPod): number {
  const index = metadata.annotations?.["batch.kubernetes.io/job-completion-index"];
  if (index !== undefined) return Number(index);
  const replica = metadata.labels?.["replica-index"];
  if (replica !== undefined)
    return metadata.labels?.["replica-type"] === "worker" ? Number(replica) + 1 : Number(replica);
  if (metadata.annotations?.["volcano.sh/task-spec"] === undefined) return -1;
  return Number(/-(\d+)$/.exec(metadata.name ?? "")?.[1] ?? -1);
}
