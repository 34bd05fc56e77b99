/** Finds the pods that an object makes, whatever its kind. */
import type { KubernetesObject } from "./planned-object.ts";

/** A part of a manifest: plain data. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as a map; empty when it is none. */
export const fieldsOf = (value: unknown): Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Fields) : {};

/** The value as a list of maps; empty when it is none. */
export const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

/** The value below a path of keys. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => fieldsOf(inner)[key], value);

/** Kinds of the built-in workloads whose pod template stands at `spec.template`. */
const templated = ["Job", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

/** Every pod template of an object: those of Jobs, JobSets, Volcano Jobs, AscendJobs, CronJobs and bare pods. */
export function podTemplates(manifest: KubernetesObject): readonly Fields[] {
  const { kind, apiVersion } = manifest;
  if (kind === "Pod") return [{ metadata: manifest.metadata, spec: manifest.spec }];
  if (kind === "CronJob") return [fieldsOf(at(manifest, "spec", "jobTemplate", "spec", "template"))];
  if (kind === "JobSet") {
    return listOf(at(manifest, "spec", "replicatedJobs")).map((job) =>
      fieldsOf(at(job, "template", "spec", "template")),
    );
  }
  if (kind === "AscendJob") {
    return Object.values(fieldsOf(at(manifest, "spec", "replicaSpecs"))).map((replica) =>
      fieldsOf(at(replica, "template")),
    );
  }
  if (apiVersion.startsWith("batch.volcano.sh/")) {
    return listOf(at(manifest, "spec", "tasks")).map((task) => fieldsOf(at(task, "template")));
  }
  return templated.includes(kind) ? [fieldsOf(at(manifest, "spec", "template"))] : [];
}

/** The pod specifications of an object. */
export const podSpecs = (manifest: KubernetesObject): readonly Fields[] =>
  podTemplates(manifest).map((template) => fieldsOf(template.spec));

/** All containers of a pod, those that run before the others included. */
export const containersOf = (pod: Fields): readonly Fields[] => [
  ...listOf(pod.initContainers),
  ...listOf(pod.containers),
];
