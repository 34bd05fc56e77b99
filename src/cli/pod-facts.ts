/** What the pods of a stage tell of its past: how often it was started again, and why its newest failure failed. */
import type { V1Pod } from "@kubernetes/client-node";
import { containerName } from "../workloads/pod.ts";

/** How a pod failed. */
export interface PodFailure {
  readonly pod: string;
  readonly exitCode?: number;
  /** The pod's termination message, or what the cluster says in its place. */
  readonly message?: string;
  readonly at?: string;
}

/** When a pod was made, in milliseconds. */
export const createdAt = (pod: V1Pod): number => pod.metadata?.creationTimestamp?.getTime() ?? 0;

const terminated = ({ status }: V1Pod) => {
  const container = status?.containerStatuses?.find(({ name }) => name === containerName);
  return container?.state?.terminated ?? container?.lastState?.terminated;
};

const endedAt = (pod: V1Pod): number => terminated(pod)?.finishedAt?.getTime() ?? createdAt(pod);

/** The newest failure among pods that are still there; a pod that an eviction ended has a message of its own. */
export function lastFailure(pods: readonly V1Pod[]): PodFailure | undefined {
  const [newest] = pods
    .filter((pod) => pod.status?.phase === "Failed" || (terminated(pod)?.exitCode ?? 0) !== 0)
    .sort((left, right) => endedAt(right) - endedAt(left));
  if (newest === undefined) return undefined;
  const end = terminated(newest);
  const words = [end?.message, newest.status?.message, end?.reason, newest.status?.reason];
  const message = words.find((text) => text !== undefined && text.trim() !== "")?.trim();
  return {
    pod: newest.metadata?.name ?? "",
    ...(end === undefined ? {} : { exitCode: end.exitCode }),
    ...(message === undefined ? {} : { message }),
    ...(end?.finishedAt === undefined ? {} : { at: end.finishedAt.toISOString() }),
  };
}

/**
 * How often pods of a stage were started again: pods beyond those that it consists of, and restarts inside a pod.
 *
 * @param wanted pods that the stage consists of
 * @param told what the workload itself counts, for kinds that remove the pods of a failed attempt
 */
export function restartsOf(pods: readonly V1Pod[], wanted: number, told = 0): number {
  const inside = pods
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return Math.max(told, pods.length - wanted, 0) + inside;
}

/** A failure as people read it. */
export function failureText({ pod, exitCode, message }: PodFailure): string {
  const code = exitCode === undefined ? "failed" : `ended with ${exitCode}`;
  return `last error: pod ${pod} ${code}${message === undefined ? "" : `: ${message.replaceAll(/\s+/g, " ")}`}`;
}
