/** Logs of simulated pods: a file that kwok serves through the real API for the pods that a selector names. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KubeConfig, type KubernetesObject, KubernetesObjectApi } from "@kubernetes/client-node";
import { clusterFiles } from "./state.ts";

/**
 * Lets `kubectl logs` of some pods answer with given lines. Written again, the same name replaces the lines.
 *
 * @param folder state folder of the cluster
 * @param target namespace whose pods get the log, and a name for the rule
 */
export async function writePodLogs(
  folder: string,
  target: { readonly name: string; readonly namespace: string; readonly container: string },
  lines: readonly string[],
): Promise<void> {
  const files = clusterFiles(folder);
  const file = join(files.podLogs, `${target.name}.log`);
  writeFileSync(file, lines.map((line) => `${new Date().toISOString()} stdout F ${line}\n`).join(""));
  const configuration = new KubeConfig();
  configuration.loadFromFile(files.kubeconfig);
  const api = KubernetesObjectApi.makeApiClient(configuration);
  const rule = {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "ClusterLogs",
    metadata: { name: target.name },
    spec: {
      selector: { matchNamespaces: [target.namespace] },
      logs: [{ containers: [target.container], logsFile: file }],
    },
  } satisfies KubernetesObject & { readonly spec: unknown };
  await api.delete(rule).catch(() => undefined);
  await api.create(rule);
}
