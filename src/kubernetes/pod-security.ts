/** How stage pods are hardened: users, capabilities, a read-only root file system with named writable folders, secrets by reference. */
import { posix } from "node:path";
import type { Environment } from "../config/schema.ts";

/** Name of the account that stage pods run under. It has no rights, and its token is not mounted. */
export const stageAccountName = "ascend-stacks-stage";

/** User and group of the Ascend driver's devices, on the host and in the image. */
const ascendUser = 1000;

/** Name of the volume behind all writable folders. */
const scratchVolume = "scratch";

/** Home of the programs in the pod: caches of Python libraries and logs of CANN lie below it. */
export const homeFolder = "/home/training";

/** Folders below the working directory that upstream's programs write to; `tools.json` and CANN name them relatively. */
const relativeOutputs = ["kernel_meta", "logs", "memory_snapshot", "npu_profiling", "sora_features"] as const;

/** Folders that programs may write to. Everything else of the root file system is read-only. */
export function writablePaths({ security, image }: Environment): readonly string[] {
  const fixed = ["/tmp", homeFolder, ...relativeOutputs.map((name) => posix.join(image.workingDirectory, name))];
  return [...new Set([...fixed, ...security.writablePaths])];
}

/**
 * Name of the PriorityClass of stage pods, if any. One that is made belongs to the cluster, so its name carries the namespace; it
 * cannot be changed, so its name carries what it says.
 */
export function priorityClassName({ priority, namespace }: Environment): string | undefined {
  if (priority === undefined || priority.className !== undefined) return priority?.className;
  return `ascend-stacks-${namespace}-${priority.value}${priority.preempts ? "-preempting" : ""}`;
}

/** Fields of the pod. */
export function podSecurityFields(environment: Environment): Readonly<Record<string, unknown>> {
  const priority = priorityClassName(environment);
  return {
    serviceAccountName: stageAccountName,
    automountServiceAccountToken: false,
    ...(priority === undefined ? {} : { priorityClassName: priority }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: ascendUser,
      runAsGroup: ascendUser,
      fsGroup: ascendUser,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** Security context of each container. */
export const containerSecurity = ({ security }: Environment): Readonly<Record<string, unknown>> => ({
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  ...(security.readOnlyRootFilesystem ? { readOnlyRootFilesystem: true } : {}),
});

/** Volumes of the pod for its writable folders: one, for a single limit holds for all of them. */
export const scratchVolumes = ({ security }: Environment): readonly Readonly<Record<string, unknown>>[] =>
  security.readOnlyRootFilesystem ? [{ name: scratchVolume, emptyDir: { sizeLimit: `${security.scratchGiB}Gi` } }] : [];

/** Mounts of the container for its writable folders. */
export const scratchMounts = (environment: Environment): readonly Readonly<Record<string, unknown>>[] =>
  environment.security.readOnlyRootFilesystem
    ? writablePaths(environment).map((mountPath) => ({ name: scratchVolume, mountPath, subPath: mountPath.slice(1) }))
    : [];

/**
 * Variables that send what programs write by themselves to writable folders. `HOME` leads Python's caches, `$HOME/ascend/log` and
 * `$HOME/atc_data`; `ASCEND_WORK_PATH` leads what CANN otherwise writes to the working directory (`kernel_meta`,
 * `fusion_result.json`). Source: CANN 8.5 environment variable reference, ASCEND_WORK_PATH and ASCEND_CACHE_PATH.
 */
export const scratchVariables = ({ security }: Environment): Readonly<Record<string, string>> =>
  security.readOnlyRootFilesystem ? { HOME: homeFolder, ASCEND_WORK_PATH: posix.join(homeFolder, "ascend") } : {};

/** Variables of a run whose values stand in Secrets of the cluster. */
export const secretVariables = (
  environment: Environment,
  runName: string,
): readonly Readonly<Record<string, unknown>>[] =>
  Object.entries(environment.runs[runName]?.secretVariables ?? {}).map(([name, { secret, key }]) => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key } },
  }));
