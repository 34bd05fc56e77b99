/**
 * Which level of Pod Security admits a pod. Source: the Pod Security Standards of Kubernetes (baseline and restricted profiles); only
 * what this project's pods can hold is looked at.
 */
import { at, containersOf, type Fields, fieldsOf, listOf } from "./pod-templates.ts";

/** Levels from the strictest to the loosest. */
export const podSecurityLevels = ["restricted", "baseline", "privileged"] as const;

/** A level of Pod Security. */
export type PodSecurityLevel = (typeof podSecurityLevels)[number];

/** Why a pod needs a looser level than `restricted`. */
export interface LevelReason {
  readonly level: Exclude<PodSecurityLevel, "restricted">;
  readonly reason: string;
}

/** Volume kinds that the restricted level admits; the key of a volume beside its name. */
const restrictedVolumes = [
  ...["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
];

/** Whether `level` is at least as loose as `other`. */
export const admits = (level: PodSecurityLevel, other: PodSecurityLevel): boolean =>
  podSecurityLevels.indexOf(level) >= podSecurityLevels.indexOf(other);

const privileged = (reason: string): LevelReason => ({ level: "privileged", reason });
const baseline = (reason: string): LevelReason => ({ level: "baseline", reason });

function volumeReasons(pod: Fields): readonly LevelReason[] {
  return listOf(pod.volumes).flatMap((volume) => {
    const kind = Object.keys(volume).find((key) => key !== "name") ?? "emptyDir";
    if (kind === "hostPath")
      return [privileged(`the folder ${String(at(volume, "hostPath", "path"))} of the host is mounted`)];
    return restrictedVolumes.includes(kind) ? [] : [baseline(`the volume ${String(volume.name)} is of kind ${kind}`)];
  });
}

function containerReasons(container: Fields, pod: Fields): readonly LevelReason[] {
  const own = fieldsOf(container.securityContext);
  const shared = fieldsOf(pod.securityContext);
  const name = `container ${String(container.name)}`;
  const dropped = at(own, "capabilities", "drop");
  const added = at(own, "capabilities", "add");
  const profile = at(own, "seccompProfile", "type") ?? at(shared, "seccompProfile", "type");
  const isAdding = Array.isArray(added) && added.some((capability) => capability !== "NET_BIND_SERVICE");
  return [
    ...(own.privileged === true ? [privileged(`${name} is privileged`)] : []),
    ...(isAdding ? [privileged(`${name} adds capabilities`)] : []),
    ...(profile === "Unconfined" ? [privileged(`${name} runs without seccomp`)] : []),
    ...(listOf(container.ports).some(({ hostPort }) => hostPort !== undefined)
      ? [privileged(`${name} opens a port of the host`)]
      : []),
    ...(own.allowPrivilegeEscalation === false ? [] : [baseline(`${name} may gain privileges`)]),
    ...(Array.isArray(dropped) && dropped.includes("ALL") ? [] : [baseline(`${name} keeps capabilities`)]),
    ...((own.runAsNonRoot ?? shared.runAsNonRoot) === true ? [] : [baseline(`${name} may run as root`)]),
    ...((own.runAsUser ?? shared.runAsUser) === 0 ? [baseline(`${name} runs as root`)] : []),
    ...(profile === "RuntimeDefault" || profile === "Localhost" || profile === "Unconfined"
      ? []
      : [baseline(`${name} names no seccomp profile`)]),
  ];
}

/** Everything that keeps a pod from the restricted level, each once. */
export function levelReasons(pod: Fields): readonly LevelReason[] {
  const namespaces = (["hostNetwork", "hostPID", "hostIPC"] as const)
    .filter((field) => pod[field] === true)
    .map((field) => privileged(`${field} is set`));
  return [
    ...namespaces,
    ...volumeReasons(pod),
    ...containersOf(pod).flatMap((container) => containerReasons(container, pod)),
  ];
}

/** The strictest level that admits pods with these reasons. */
export function levelFor(reasons: readonly LevelReason[]): PodSecurityLevel {
  if (reasons.some(({ level }) => level === "privileged")) return "privileged";
  return reasons.length > 0 ? "baseline" : "restricted";
}
