/** Records which stage pods there are in a namespace at every moment: the API server tells each change in order. */
import { type V1Pod, Watch } from "@kubernetes/client-node";
import type { Workbench } from "./workbench.ts";

/** A running record. */
export interface PodWatch {
  /** The pods that there were after each change, from the start of the record. */
  readonly moments: readonly (readonly V1Pod[])[];
  readonly stop: () => void;
}

/** Starts recording. */
export async function watchPods(bench: Workbench, namespace: string, stagePattern: RegExp): Promise<PodWatch> {
  const moments: (readonly V1Pod[])[] = [];
  const present = new Map<string, V1Pod>();
  const controller = await new Watch(bench.configuration).watch(
    `/api/v1/namespaces/${namespace}/pods`,
    { labelSelector: "app.kubernetes.io/component=stage" },
    (type, pod: V1Pod) => {
      if (!stagePattern.test(pod.metadata?.labels?.["ascend-stacks/stage"] ?? "")) return;
      const id = pod.metadata?.uid ?? "";
      if (type === "DELETED") present.delete(id);
      else present.set(id, pod);
      moments.push([...present.values()]);
    },
    () => undefined,
  );
  return { moments, stop: () => controller.abort() };
}
