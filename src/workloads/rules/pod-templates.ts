/** The pod templates inside a workload with the number of pods that each makes, as far as rules look at them. */
import type { KubernetesObject } from "../../kubernetes/planned-object.ts";
import { at, type Fields, fieldsOf, listOf } from "../../kubernetes/pod-templates.ts";

/** Plain data of a manifest, looked at field by field. */
export type Data = Fields;

/** One template and the number of pods that are made from it. */
export interface TemplateUse {
  /** Which of the workload's templates it is: `Master`, `Worker`, `node` or `job`. */
  readonly role: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly annotations: Readonly<Record<string, unknown>>;
  readonly pod: Data;
}

/** A field that is itself an object; empty when it is absent or something else. */
export const dataAt = (data: Data, ...keys: readonly string[]): Data => fieldsOf(at(data, ...keys));

/** A field that is a list of objects; empty when it is absent or something else. */
export const listAt = (data: Data, ...keys: readonly string[]): readonly Data[] => listOf(at(data, ...keys));

const use = (role: string, replicas: unknown, template: Data): TemplateUse => ({
  role,
  replicas: typeof replicas === "number" ? replicas : 1,
  labels: dataAt(template, "metadata", "labels"),
  annotations: dataAt(template, "metadata", "annotations"),
  pod: dataAt(template, "spec"),
});

/** Whether the object is an AscendJob. */
export const isAscendJob = ({ apiVersion, kind }: KubernetesObject): boolean =>
  apiVersion.startsWith("mindxdl.gitee.com/") && kind === "AscendJob";

/** Whether the object is a Volcano Job. */
export const isVolcanoJob = ({ apiVersion, kind }: KubernetesObject): boolean =>
  apiVersion.startsWith("batch.volcano.sh/") && kind === "Job";

/** Every pod template of a workload; none for other objects. */
export function templatesOf(manifest: KubernetesObject): readonly TemplateUse[] {
  const spec = dataAt(manifest, "spec");
  if (isAscendJob(manifest)) {
    return Object.entries(dataAt(spec, "replicaSpecs")).map(([role, replica]) =>
      use(role, (replica as Data).replicas, dataAt(replica as Data, "template")),
    );
  }
  if (isVolcanoJob(manifest))
    return listAt(spec, "tasks").map((task) => use(String(task.name), task.replicas, dataAt(task, "template")));
  if (manifest.kind === "JobSet") {
    return listAt(spec, "replicatedJobs").map((job) =>
      use(String(job.name), dataAt(job, "template", "spec").parallelism, dataAt(job, "template", "spec", "template")),
    );
  }
  if (manifest.apiVersion === "batch/v1" && manifest.kind === "Job")
    return [use("job", spec.parallelism, dataAt(spec, "template"))];
  return [];
}

/** Names of the NPU resources that a container asks for or is limited to. */
export function npuResourcesOf(container: Data): {
  readonly requests: Data;
  readonly limits: Data;
  readonly names: readonly string[];
} {
  const requests = dataAt(container, "resources", "requests");
  const limits = dataAt(container, "resources", "limits");
  const names = [...new Set([...Object.keys(requests), ...Object.keys(limits)])].filter((name) =>
    name.startsWith("huawei.com/"),
  );
  return { requests, limits, names };
}
